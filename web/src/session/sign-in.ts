import * as oauth from "oauth4webapi";
import type { Login } from "./page-config";
import { asSignInFault, SignInFault } from "./sign-in-fault";

/** The path to which the provider redirects after a sign-in. */
export const RETURN_PATH = "/signed-in";
const PENDING_KEY = "gavel.sign-in";
const REQUEST_MS_MAX = 10_000;
/** Used if the provider does not say how long its access token is valid. */
const TOKEN_SECONDS_DEFAULT = 300;
/** The nonce proves that an ID token is new. The clock of this machine may be wrong. */
const CLOCK_TOLERANCE_SECONDS = 86_400;

/** An access token, the name of its bearer (empty if unknown), and when it expires by this machine's clock. */
export type Token = {
  readonly text: string;
  readonly name: string;
  readonly endsAtMs: number;
  /** Exchanged for a new access token, if the provider gave one. */
  readonly refreshToken?: string | undefined;
};

/** A sign-in that waits for the provider's answer. `nonce` is null if the scope does not ask for OpenID Connect. */
type Pending = {
  readonly state: string;
  readonly nonce: string | null;
  readonly verifier: string;
  readonly backTo: string;
};

/**
 * Redirect to the provider's login page (OpenID Connect: authorization code with PKCE, state and nonce).
 *
 * Rejects with a SignInFault if that can't work, for instance because the provider can't be reached.
 */
export function beginSignIn(login: Login, go: (url: string) => void = (url) => location.assign(url)): Promise<void> {
  return asSignInFault(login.issuer, () => redirect(login, go));
}

async function redirect(login: Login, go: (url: string) => void): Promise<void> {
  if (!crypto.subtle) {
    throw new SignInFault("insecure");
  }
  // Find out before the user has entered a password for nothing.
  sessionStorage.removeItem(PENDING_KEY);
  const { authorization_endpoint } = await discover(login);
  if (!authorization_endpoint) {
    throw new Error("the provider's discovery document names no authorization_endpoint");
  }
  const pending: Pending = {
    state: oauth.generateRandomState(),
    nonce: login.scope.split(" ").includes("openid") ? oauth.generateRandomNonce() : null,
    verifier: oauth.generateRandomCodeVerifier(),
    backTo: location.pathname + location.search,
  };
  sessionStorage.setItem(PENDING_KEY, JSON.stringify(pending));
  const url = new URL(authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: login.clientId,
    redirect_uri: redirectUri(),
    scope: login.scope,
    state: pending.state,
    code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: "S256",
    ...(pending.nonce && { nonce: pending.nonce }),
  };
  for (const [name, value] of Object.entries(parameters)) {
    url.searchParams.set(name, value);
  }
  go(url.href);
}

/**
 * Exchange the authorization code in the URL for an access token, and show the page from which the user left.
 *
 * Rejects with a SignInFault unless the answer belongs to a sign-in that this tab began: state, issuer (RFC 9207), and
 * the nonce, issuer and audience of the ID token must match. The ID token comes from the token endpoint itself, so its
 * signature need not be checked (OpenID Connect Core, 3.1.3.7). It names the user on this page and is never sent to Gavel.
 */
export async function finishSignIn(login: Login, search: string): Promise<Token> {
  const pending = await asSignInFault(login.issuer, async () => takePending());
  if (!pending) {
    throw new SignInFault("invalid", "no sign-in was begun in this tab");
  }
  // Also if the provider refuses.
  history.replaceState(null, "", pending.backTo);
  return asSignInFault(login.issuer, () => exchangeCode(login, search, pending));
}

async function exchangeCode(login: Login, search: string, pending: Pending): Promise<Token> {
  const client = clientOf(login);
  const server = await discover(login);
  const answer = oauth.validateAuthResponse(server, client, new URLSearchParams(search), pending.state);
  const response = await asSignInFault(server.token_endpoint ?? login.issuer, () =>
    oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      answer,
      redirectUri(),
      pending.verifier,
      requestOptions(login),
    ),
  );
  const tokens = await oauth.processAuthorizationCodeResponse(
    server,
    client,
    response,
    pending.nonce ? { expectedNonce: pending.nonce } : {},
  );
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  const name = [claims?.name, claims?.preferred_username, claims?.sub].find((each) => typeof each === "string");
  return tokenFrom(tokens, String(name ?? ""));
}

/** Exchange the refresh token for a new access token of the same user. Rejects with a SignInFault. */
export function renewToken(login: Login, { name, refreshToken = "" }: Token): Promise<Token> {
  return asSignInFault(login.issuer, async () => {
    const [server, client] = [await discover(login), clientOf(login)];
    const options = requestOptions(login);
    const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refreshToken, options);
    const tokens = await oauth.processRefreshTokenResponse(server, client, response);
    return tokenFrom({ refresh_token: refreshToken, ...tokens }, name);
  });
}

function tokenFrom(tokens: oauth.TokenEndpointResponse, name: string): Token {
  return {
    text: tokens.access_token,
    name,
    endsAtMs: Date.now() + (tokens.expires_in ?? TOKEN_SECONDS_DEFAULT) * 1000,
    refreshToken: tokens.refresh_token,
  };
}

function clientOf(login: Login): oauth.Client {
  return { client_id: login.clientId, [oauth.clockTolerance]: CLOCK_TOLERANCE_SECONDS };
}

async function discover(login: Login): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(login.issuer);
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, requestOptions(login)));
}

function requestOptions(login: Login) {
  return {
    signal: AbortSignal.timeout(REQUEST_MS_MAX),
    // Plain HTTP is possible only if the operator configured an issuer without TLS, as in development.
    [oauth.allowInsecureRequests]: new URL(login.issuer).protocol === "http:",
  };
}

function redirectUri(): string {
  return location.origin + RETURN_PATH;
}

/** Read the pending sign-in and forget it: an answer can be used once. */
function takePending(): Pending | null {
  const kept = sessionStorage.getItem(PENDING_KEY);
  sessionStorage.removeItem(PENDING_KEY);
  return JSON.parse(kept ?? "null") as Pending | null;
}
