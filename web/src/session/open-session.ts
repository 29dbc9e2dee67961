import { type Login, type PageConfig, readPageConfig } from "./page-config";
import { keptToken, type Session, TokenSession, TrustedSession } from "./session";
import { beginSignIn, finishSignIn, RETURN_PATH, type Token } from "./sign-in";

/** The session for the installation's authentication mode. Finishes a sign-in that returns from the provider. */
export async function openSession(config: PageConfig): Promise<Session> {
  const { login } = config;
  if (!login) {
    return new TrustedSession();
  }
  const session = new TokenSession(() => beginSignIn(login));
  const isReturning = location.pathname === RETURN_PATH;
  const token = isReturning ? await tokenFromReturn(login) : keptToken();
  const { userId } = token ? await readPageConfig(token.text, { origin: config.apiUrl }) : { userId: "" };
  if (token && userId) {
    session.accept(token, userId);
    return session;
  }
  if (token) {
    console.warn("Gavel rejects the provider's access token: it must be a JWT whose audience is JWT_AUDIENCE");
  }
  if (token || isReturning) {
    session.fail(isReturning ? "failed" : "expired");
  }
  return session;
}

/** The access token of the sign-in whose answer is in the URL, or null if it failed. Removes the answer from the URL. */
async function tokenFromReturn(login: Login): Promise<Token | null> {
  const { search } = location;
  // The page opens either way. The code must not stay in the URL.
  history.replaceState(null, "", "/");
  try {
    const { token, backTo } = await finishSignIn(login, search);
    history.replaceState(null, "", backTo);
    return token;
  } catch (error) {
    console.warn("the sign-in failed", error);
    return null;
  }
}
