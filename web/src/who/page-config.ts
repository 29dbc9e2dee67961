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

const TRUSTED: Omit<PageConfig, "apiUrl"> = { login: null, currency: null, userId: "" };

/**
 * Read `/page.json`. An installation that serves none is a trusted one. Where the page is served apart from the API it
 * names that, and the API tells the rest.
 */
export async function readPageConfig(token: string | null = null, origin = location.origin): Promise<PageConfig> {
  try {
    const response = await fetch(`${origin}/page.json`, {
      cache: "no-store",
      headers: token ? { Authorization: `Bearer ${token}` } : {},
    });
    const isJson = response.headers.get("Content-Type")?.includes("json") ?? false;
    const told = response.ok && isJson ? fieldsOf(await response.json()) : {};
    const apiUrl = textOf(told.api_url).replace(/\/$/, "");
    if (apiUrl && apiUrl !== origin && origin === location.origin) {
      return await readPageConfig(token, apiUrl);
    }
    return { ...configOf(told), apiUrl: origin };
  } catch {
    return { ...TRUSTED, apiUrl: origin };
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
