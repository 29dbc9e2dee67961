import type { Login } from "./page-config";

/** The address to which the provider sends people back. */
export const RETURN_PATH = "/signed-in";
const PENDING_KEY = "gavel.sign-in";

/** A token as the provider gave it, and when it ends by this machine's reckoning. */
export type Token = { readonly text: string; readonly name: string; readonly endsAtMs: number };

type Pending = { readonly state: string; readonly verifier: string; readonly backTo: string };
type Provider = { readonly authorization_endpoint: string; readonly token_endpoint: string };

/** Send someone to the provider's login (OpenID Connect: authorization code with PKCE, RFC 7636). */
export async function beginSignIn(
  login: Login,
  go: (url: string) => void = (url) => location.assign(url),
): Promise<void> {
  const { authorization_endpoint } = await discover(login);
  const pending: Pending = {
    state: randomText(),
    verifier: randomText(),
    backTo: location.pathname + location.search,
  };
  sessionStorage.setItem(PENDING_KEY, JSON.stringify(pending));
  const url = new URL(authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: login.clientId,
    redirect_uri: location.origin + RETURN_PATH,
    scope: login.scope,
    state: pending.state,
    code_challenge: await challengeOf(pending.verifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) {
    url.searchParams.set(name, value);
  }
  go(url.href);
}

/**
 * Change the code that the provider sent someone back with for a token. Throws where it is not the answer to a sign-in
 * that this tab began, or the provider refuses.
 */
export async function finishSignIn(login: Login, search: string): Promise<{ token: Token; backTo: string }> {
  const answer = new URLSearchParams(search);
  const pending = JSON.parse(sessionStorage.getItem(PENDING_KEY) ?? "null") as Pending | null;
  sessionStorage.removeItem(PENDING_KEY);
  const code = answer.get("code");
  if (!pending || !code || answer.get("state") !== pending.state) {
    throw new Error(answer.get("error_description") ?? "this sign-in was not begun here");
  }
  const { token_endpoint } = await discover(login);
  const response = await fetch(token_endpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code,
      client_id: login.clientId,
      redirect_uri: location.origin + RETURN_PATH,
      code_verifier: pending.verifier,
    }),
  });
  if (!response.ok) {
    throw new Error(`the provider answered ${response.status}`);
  }
  const told = (await response.json()) as { access_token?: string; id_token?: string; expires_in?: number };
  // Some providers' access tokens are for their own eyes only; Gavel reads signed ones.
  const text = [told.access_token, told.id_token].find((each) => each?.split(".").length === 3);
  if (!text) {
    throw new Error("the provider gave no token that Gavel can read");
  }
  const claims = { ...claimsOf(told.id_token), ...claimsOf(text) };
  const name = [claims.name, claims.preferred_username, claims.sub].find((each) => typeof each === "string") ?? "";
  return {
    token: { text, name: String(name), endsAtMs: Date.now() + (told.expires_in ?? 300) * 1000 },
    backTo: pending.backTo,
  };
}

async function discover(login: Login): Promise<Provider> {
  const response = await fetch(`${login.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  if (!response.ok) {
    throw new Error(`the provider answered ${response.status}`);
  }
  return (await response.json()) as Provider;
}

/** What a token says, unchecked: shown to its bearer only, and checked by Gavel where it counts. */
function claimsOf(token: string | undefined): Record<string, unknown> {
  try {
    const payload = (token?.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

async function challengeOf(verifier: string): Promise<string> {
  return urlSafe(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function randomText(): string {
  return urlSafe(crypto.getRandomValues(new Uint8Array(32)));
}

function urlSafe(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}
