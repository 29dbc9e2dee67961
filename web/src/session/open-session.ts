import { type PageConfig, readPageConfig } from "./page-config";
import { keptToken, PickedSession, type Session, TokenSession } from "./session";
import { beginSignIn, finishSignIn, RETURN_PATH, type Token } from "./sign-in";

/** The session that the installation asks for; a sign-in on its way back is finished first. */
export async function openSession(config: PageConfig): Promise<Session> {
  const { login } = config;
  if (!login) {
    return new PickedSession();
  }
  const session = new TokenSession(() => {
    beginSignIn(login).catch((error: unknown) => console.warn("the login can't be reached", error));
  });
  let token = keptToken();
  if (location.pathname === RETURN_PATH) {
    token = await returned(login);
  }
  if (token) {
    const { userId } = await readPageConfig(token.text, { origin: config.apiUrl });
    if (userId) {
      session.accept(token, userId);
    }
  }
  return session;
}

async function returned(login: NonNullable<PageConfig["login"]>): Promise<Token | null> {
  try {
    const { token, backTo } = await finishSignIn(login, location.search);
    history.replaceState(null, "", backTo);
    return token;
  } catch (error) {
    // The page opens all the same, signed out; the code must not stay in the address.
    console.warn("the sign-in did not succeed", error);
    history.replaceState(null, "", "/");
    return null;
  }
}
