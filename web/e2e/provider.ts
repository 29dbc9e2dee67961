import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const CLIENT_ID = "gavel-page";
/** What can differ between two providers, and from one test to the next. */
const ORDINARY = {
  tokenSeconds: 600,
  /** Whether access tokens come with a refresh token. */
  renews: false,
  /** Whether the token endpoint has moved to yet another origin. */
  hasMoved: false,
  /** The error that the authorization endpoint responds with. */
  refusal: null as { error: string; error_description: string } | null,
};

/** An authorization request, kept until its code is exchanged for tokens. */
type Asked = { challenge: string; redirectUri: string; nonce: string };

/**
 * An OpenID provider with one user, on an origin of its own: discovery, a key set, a login page with one link, and, on
 * another origin, a token endpoint that checks the code and its PKCE verifier (RFC 7636) and takes each refresh token
 * once.
 */
export class Provider {
  readonly url: string;
  readonly movedUrl: string;
  readonly #tokenUrl: string;
  readonly subject: string;
  readonly behaviour = { ...ORDINARY };
  /** How often an access token was renewed. */
  renewals = 0;
  readonly #refreshTokens = new Set<string>();
  readonly #servers: readonly Server[];
  readonly #key = generateKeyPairSync("ec", { namedCurve: "P-256" });
  readonly #asked = new Map<string, Asked>();

  private constructor(servers: readonly [Server, Server, Server], subject: string) {
    this.#servers = servers;
    this.subject = subject;
    this.url = urlOf(servers[0]);
    this.#tokenUrl = urlOf(servers[1]);
    this.movedUrl = urlOf(servers[2]);
    for (const server of servers) {
      server.on("request", (request, response) => void this.#answer(request, response));
    }
  }

  static async begin(subject: string): Promise<Provider> {
    return new Provider([await listening(), await listening(), await listening()], subject);
  }

  /** Behave in the ordinary way, but for these. */
  behave(changed: Partial<typeof ORDINARY> = {}): void {
    Object.assign(this.behaviour, ORDINARY, changed);
  }

  /** The settings of a Gavel whose users sign in here. */
  settings(): Record<string, string> {
    return {
      AUTH_MODE: "jwt",
      JWT_ISSUER: this.url,
      JWT_AUDIENCE: "gavel",
      PAGE_LOGIN_CLIENT_ID: CLIENT_ID,
    };
  }

  /** A signed access token (RFC 7519) for a user. */
  token(subject: string): string {
    return this.#signed({ aud: "gavel", sub: subject });
  }

  #signed(claims: object): string {
    const now = Math.floor(Date.now() / 1000);
    const signed = [
      { alg: "ES256", typ: "JWT", kid: "one" },
      { iss: this.url, iat: now, exp: now + this.behaviour.tokenSeconds, ...claims },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const signature = sign("sha256", Buffer.from(signed), { key: this.#key.privateKey, dsaEncoding: "ieee-p1363" });
    return `${signed}.${signature.toString("base64url")}`;
  }

  async end(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    // The page has another origin.
    response.setHeader("Access-Control-Allow-Origin", "*");
    switch (`${request.method} ${url.pathname}`) {
      case "GET /.well-known/openid-configuration":
        return json(response, {
          issuer: this.url,
          authorization_endpoint: `${this.url}/login`,
          token_endpoint: `${this.behaviour.hasMoved ? this.movedUrl : this.#tokenUrl}/token`,
          jwks_uri: `${this.url}/keys`,
          id_token_signing_alg_values_supported: ["ES256"],
          authorization_response_iss_parameter_supported: true,
        });
      case "GET /keys":
        return json(response, {
          keys: [{ ...this.#key.publicKey.export({ format: "jwk" }), kid: "one", use: "sig", alg: "ES256" }],
        });
      case "GET /login":
        return this.#login(url.searchParams, response);
      case "POST /token":
        return this.#grant(new URLSearchParams(await bodyOf(request)), response);
      default:
        response.writeHead(404).end();
    }
  }

  #login(asked: URLSearchParams, response: ServerResponse): void {
    const code = randomUUID();
    const redirectUri = asked.get("redirect_uri") ?? "";
    if (
      asked.get("response_type") !== "code" ||
      asked.get("client_id") !== CLIENT_ID ||
      asked.get("code_challenge_method") !== "S256"
    ) {
      response.writeHead(400).end();
      return;
    }
    this.#asked.set(code, {
      challenge: asked.get("code_challenge") ?? "",
      redirectUri,
      nonce: asked.get("nonce") ?? "",
    });
    const back = new URL(redirectUri);
    for (const [name, value] of Object.entries(this.behaviour.refusal ?? { code })) {
      back.searchParams.set(name, value);
    }
    back.searchParams.set("state", asked.get("state") ?? "");
    back.searchParams.set("iss", this.url);
    response.setHeader("Content-Type", "text/html");
    response.end(
      `<!doctype html><title>Login</title><link rel="icon" href="data:,"><a href="${back.href.replaceAll("&", "&amp;")}">Sign me in</a>`,
    );
  }

  #grant(form: URLSearchParams, response: ServerResponse): void {
    const nonce = form.get("grant_type") === "refresh_token" ? this.#renewal(form) : this.#exchange(form);
    if (nonce === null || form.get("client_id") !== CLIENT_ID) {
      response.writeHead(400);
      json(response, { error: "invalid_grant" });
      return;
    }
    const refreshToken = randomUUID();
    this.#refreshTokens.add(refreshToken);
    json(response, {
      access_token: this.token(this.subject),
      // Only the ID token has the name.
      id_token: this.#signed({ aud: CLIENT_ID, sub: this.subject, name: "Ada Lovelace", ...(nonce && { nonce }) }),
      token_type: "Bearer",
      expires_in: this.behaviour.tokenSeconds,
      ...(this.behaviour.renews && { refresh_token: refreshToken }),
    });
  }

  /** The nonce of the request whose code is exchanged; null if the code is not valid. */
  #exchange(form: URLSearchParams): string | null {
    const code = form.get("code") ?? "";
    const asked = this.#asked.get(code);
    this.#asked.delete(code);
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const isValid = form.get("redirect_uri") === asked?.redirectUri && challenge === asked?.challenge;
    return asked && isValid ? asked.nonce : null;
  }

  /** No nonce, if the refresh token is valid; null if it is not. */
  #renewal(form: URLSearchParams): string | null {
    if (!this.#refreshTokens.delete(form.get("refresh_token") ?? "")) {
      return null;
    }
    this.renewals += 1;
    return "";
  }
}

async function listening(): Promise<Server> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function json(response: ServerResponse, content: object): void {
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(content));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
  }
  return text;
}
