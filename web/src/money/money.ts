/**
 * Money is a bigint of minor units, as in the contract. Only what is shown and typed is in major units. It is never a
 * float.
 */

export const AMOUNT_MAX = 10n ** 15n;

// The same table of ISO 4217 as the server's. A browser's may differ, which would shift the decimal point.
const DIGITS: Readonly<Record<string, number>> = Object.fromEntries(
  [
    ["BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 0] as const,
    ["BHD IQD JOD KWD LYD OMR TND", 3] as const,
    ["CLF UYW", 4] as const,
  ].flatMap(([names, digits]) => names.split(" ").map((name) => [name, digits])),
);

/** The number of digits after the decimal point. */
export function minorDigits(currency: string): number {
  return DIGITS[currency] ?? 2;
}

/** The amount in major units, for an input field: 2100n USD is "21.00". */
export function majorText(minor: bigint, currency: string): string {
  const digits = minorDigits(currency);
  const text = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  return `${minor < 0n ? "-" : ""}${whole}${digits ? `.${text.slice(-digits)}` : ""}`;
}

/** The amount with currency and grouping: 2100n USD is "$21.00", 2100n JPY "¥2,100". Exact for any amount. */
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
    // The configured code is no currency. Show the amount anyway.
    return `${text} ${currency}`;
  }
}

/** The currency sign before an input field: "$", "¥", "BHD". */
export function currencySign(currency: string): string {
  return formatMoney(0n, currency).replace(/[\d.,\s]/g, "") || currency;
}

export type ParsedMoney =
  | { readonly ok: true; readonly minor: bigint }
  | { readonly ok: false; readonly problem: string };

/**
 * Parse an amount typed in major units. Commas and spaces may group digits; a single comma that can't group is a decimal
 * comma. Ambiguous input is a problem, not a guess.
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
      problem: `Write ${text.replace(",", ".")} or ${text.replace(",", "")}: ${text} is ambiguous.`,
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
    return { ok: false, problem: `Write ${decimal} or ${whole}${fraction}: ${text} is ambiguous.` };
  }
  const minor = BigInt(whole + fraction.slice(0, digits).padEnd(digits, "0"));
  if (minor > AMOUNT_MAX) {
    return { ok: false, problem: `No more than ${formatMoney(AMOUNT_MAX, currency)}.` };
  }
  return { ok: true, minor };
}
