import { backoffMs } from "../lib/backoff";

/** Where people sign in, where the installation wants tokens. */
export type Login = { readonly issuer: string; readonly clientId: string; readonly scope: string };

/** What the installation tells the page about itself. */
export type PageConfig = {
  /** Null in trusted mode: whoever names an id is believed. */
  readonly login: Login | null;
  readonly currency: string | null;
  /** The id that bids of the token's bearer are placed under; empty without a token. */
  readonly userId: string;
  /** Where the API is. */
  readonly apiUrl: string;
};

/**
 * Read `/page.json`. An installation that serves none is a trusted one; one that does not answer is asked until it does,
 * and `onAway` is called each time. Where the page is served apart from the API it names that, and the API tells the rest.
 */
export async function readPageConfig(
  token: string | null = null,
  { origin = location.origin, onAway }: { origin?: string; onAway?: (() => void) | undefined } = {},
): Promise<PageConfig> {
  for (let attempt = 0; ; attempt += 1) {
    const told = await askFor(`${origin}/page.json`, token);
    if (told) {
      const apiUrl = textOf(told.api_url).replace(/\/$/, "");
      return apiUrl && apiUrl !== origin && origin === location.origin
        ? readPageConfig(token, { origin: apiUrl, onAway })
        : { ...configOf(told), apiUrl: origin };
    }
    onAway?.();
    await new Promise((done) => setTimeout(done, backoffMs(attempt)));
  }
}

/** The fields of a JSON file; none where it is not served, and null where nobody answers for the installation. */
async function askFor(url: string, token: string | null): Promise<Record<string, unknown> | null> {
  try {
    const headers: HeadersInit = token ? { Authorization: `Bearer ${token}` } : {};
    const response = await fetch(url, { cache: "no-store", headers });
    if (response.status >= 500 || response.status === 429) {
      return null;
    }
    const isJson = response.headers.get("Content-Type")?.includes("json") ?? false;
    return response.ok && isJson ? fieldsOf(await response.json()) : {};
  } catch {
    return null;
  }
}

function configOf(fields: Record<string, unknown>): Omit<PageConfig, "apiUrl"> {
  const login = fieldsOf(fields.login);
  const [issuer, clientId] = [textOf(login.issuer), textOf(login.client_id)];
  return {
    login:
      fields.auth_mode === "jwt" && issuer && clientId
        ? { issuer, clientId, scope: textOf(login.scope) || "openid profile" }
        : null,
    currency: textOf(fields.currency) || null,
    userId: textOf(fields.user_id),
  };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
