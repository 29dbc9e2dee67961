import { backoffMs } from "../lib/backoff";

/** The OpenID provider, with `AUTH_MODE=jwt`. */
export type Login = { readonly issuer: string; readonly clientId: string; readonly scope: string };

/** The configuration of the installation, from `/page.json`. */
export type PageConfig = {
  /** `AUTH_MODE=trusted`: ids are not verified, and there is no sign-in. */
  readonly isTrusted: boolean;
  /** Where to sign in. Null if the installation does not say. */
  readonly login: Login | null;
  readonly currency: string | null;
  /** The user id of the token's bearer; empty without a valid token. */
  readonly userId: string;
  /** The base URL of the API. */
  readonly apiUrl: string;
};

/**
 * Read `/page.json`. Without one, the installation is a trusted one. While the server does not respond, this retries and
 * calls `onRetry` each time. If the file has an `api_url`, the rest is read from `/page.json` of that origin.
 */
export async function readPageConfig(
  token: string | null = null,
  { origin = location.origin, onRetry }: { origin?: string; onRetry?: (() => void) | undefined } = {},
): Promise<PageConfig> {
  for (let attempt = 0; ; attempt += 1) {
    const fields = await fetchFields(`${origin}/page.json`, token);
    if (fields) {
      const apiUrl = textOf(fields.api_url).replace(/\/$/, "");
      return apiUrl && apiUrl !== origin && origin === location.origin
        ? readPageConfig(token, { origin: apiUrl, onRetry })
        : { ...configOf(fields), apiUrl: origin };
    }
    onRetry?.();
    await new Promise((done) => setTimeout(done, backoffMs(attempt)));
  }
}

/** The fields of a JSON file: none if it is not served, null if the server does not respond or is overloaded. */
async function fetchFields(url: string, token: string | null): Promise<Record<string, unknown> | null> {
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
  const isTrusted = fields.auth_mode !== "jwt";
  return {
    isTrusted,
    login:
      !isTrusted && issuer && clientId ? { issuer, clientId, scope: textOf(login.scope) || "openid profile" } : null,
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
