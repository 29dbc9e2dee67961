import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const CLIENT_ID = "gavel-page";
const TOKEN_SECONDS = 600;

/** An authorization request, kept until its code is exchanged for tokens. */
type Asked = { challenge: string; redirectUri: string; nonce: string };

/**
 * An OpenID provider with one user, on an origin of its own: discovery, a key set, a login page with one link, and a
 * token endpoint that checks the code and its PKCE verifier (RFC 7636).
 */
export class Provider {
  readonly url: string;
  readonly subject: string;
  readonly #server: Server;
  readonly #key = generateKeyPairSync("ec", { namedCurve: "P-256" });
  readonly #asked = new Map<string, Asked>();

  private constructor(server: Server, subject: string) {
    this.#server = server;
    this.subject = subject;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request, response) => void this.#answer(request, response));
  }

  static async begin(subject: string): Promise<Provider> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Provider(server, subject);
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

  /** A signed access token (RFC 7519) for a user, valid for ten minutes. */
  token(subject: string): string {
    return this.#signed({ aud: "gavel", sub: subject });
  }

  #signed(claims: object): string {
    const now = Math.floor(Date.now() / 1000);
    const signed = [
      { alg: "ES256", typ: "JWT", kid: "one" },
      { iss: this.url, iat: now, exp: now + TOKEN_SECONDS, ...claims },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const signature = sign("sha256", Buffer.from(signed), { key: this.#key.privateKey, dsaEncoding: "ieee-p1363" });
    return `${signed}.${signature.toString("base64url")}`;
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
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
          token_endpoint: `${this.url}/token`,
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
        return this.#exchange(new URLSearchParams(await bodyOf(request)), response);
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
    back.searchParams.set("code", code);
    back.searchParams.set("state", asked.get("state") ?? "");
    back.searchParams.set("iss", this.url);
    response.setHeader("Content-Type", "text/html");
    response.end(
      `<!doctype html><title>Login</title><link rel="icon" href="data:,"><a href="${back.href.replaceAll("&", "&amp;")}">Sign me in</a>`,
    );
  }

  #exchange(form: URLSearchParams, response: ServerResponse): void {
    const code = form.get("code") ?? "";
    const asked = this.#asked.get(code);
    this.#asked.delete(code);
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    if (
      !asked ||
      form.get("grant_type") !== "authorization_code" ||
      form.get("client_id") !== CLIENT_ID ||
      form.get("redirect_uri") !== asked.redirectUri ||
      challenge !== asked.challenge
    ) {
      response.writeHead(400).end();
      return;
    }
    json(response, {
      access_token: this.token(this.subject),
      // Only the ID token has the name.
      id_token: this.#signed({ aud: CLIENT_ID, sub: this.subject, name: "Ada Lovelace", nonce: asked.nonce }),
      token_type: "Bearer",
      expires_in: TOKEN_SECONDS,
    });
  }
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
