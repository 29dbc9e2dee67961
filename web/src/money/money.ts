/**
 * Money is a bigint of minor units, as in the contract. It becomes major units only in what is shown and typed,
 * and never a float.
 */

export const AMOUNT_MAX = 10n ** 15n;

// ISO 4217 by the server's own table: a browser's may disagree, and a shifted point is a thousandfold price.
const DIGITS: Readonly<Record<string, number>> = Object.fromEntries(
  [
    ["BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 0] as const,
    ["BHD IQD JOD KWD LYD OMR TND", 3] as const,
    ["CLF UYW", 4] as const,
  ].flatMap(([names, digits]) => names.split(" ").map((name) => [name, digits])),
);

/** How many digits of an amount stand behind the point. */
export function minorDigits(currency: string): number {
  return DIGITS[currency] ?? 2;
}

/** The amount in major units with a plain point: 2100n USD is "21.00". What an input field holds. */
export function majorText(minor: bigint, currency: string): string {
  const digits = minorDigits(currency);
  const text = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  return `${minor < 0n ? "-" : ""}${whole}${digits ? `.${text.slice(-digits)}` : ""}`;
}

/** The amount as people read it: 2100n USD is "$21.00", 2100n JPY "¥2,100". Exact for any amount. */
export function formatMoney(minor: bigint, currency: string): string {
  const text = majorText(minor, currency) as Intl.StringNumericLiteral;
  const digits = minorDigits(currency);
  try {
    return new Intl.NumberFormat("en", {
      style: "currency",
      currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(text);
  } catch {
    // A code that is no currency's: the installation's mistake is no reason to show nothing.
    return `${text} ${currency}`;
  }
}

/** The sign before an input field: "$", "¥", "BHD". */
export function currencySign(currency: string): string {
  return formatMoney(0n, currency).replace(/[\d.,\s]/g, "") || currency;
}

export type ParsedMoney =
  | { readonly ok: true; readonly minor: bigint }
  | { readonly ok: false; readonly problem: string };

/**
 * What someone typed in major units. Grouping commas and spaces may stand where they group; a lone comma that can't
 * group is a decimal one. What could be read two ways is asked back, not guessed.
 */
export function parseMoney(typed: string, currency: string): ParsedMoney {
  const digits = minorDigits(currency);
  const text = typed
    .trim()
    .replace(currencySign(currency), "")
    .replace(/[\s\u00a0\u202f]/g, "");
  if (text === "") {
    return { ok: false, problem: "Enter an amount." };
  }
  if (/^\d{1,3},\d{3}$/.test(text) && digits >= 3) {
    return {
      ok: false,
      problem: `Write ${text.replace(",", ".")} or ${text.replace(",", "")}: ${text} can mean both.`,
    };
  }
  const plain = /^\d{1,3}(,\d{3})+(\.\d*)?$/.test(text)
    ? text.replaceAll(",", "")
    : text.replace(/^(\d*),(\d*)$/, "$1.$2");
  const match = /^(\d*)(?:\.(\d*))?$/.exec(plain);
  const [whole = "", fraction = ""] = match?.slice(1) ?? [];
  if (!match || whole + fraction === "") {
    return { ok: false, problem: `Enter an amount such as ${majorText(2100n, currency)}.` };
  }
  if (fraction.replace(/0+$/, "").length > digits) {
    return {
      ok: false,
      problem: digits ? `${currency} has ${digits} digits after the point.` : `${currency} has no fractions.`,
    };
  }
  if (/^\d{1,3}\.\d{3}$/.test(text) && digits !== 3) {
    const decimal = digits ? `${whole}.${fraction.slice(0, digits).padEnd(digits, "0")}` : whole;
    return { ok: false, problem: `Write ${decimal} or ${whole}${fraction}: ${text} can mean both.` };
  }
  const minor = BigInt(whole + fraction.slice(0, digits).padEnd(digits, "0"));
  if (minor > AMOUNT_MAX) {
    return { ok: false, problem: `No more than ${formatMoney(AMOUNT_MAX, currency)}.` };
  }
  return { ok: true, minor };
}
