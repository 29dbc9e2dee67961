import { type Login, type PageConfig, readPageConfig } from "./page-config";
import type { Session } from "./session";
import { beginSignIn, finishSignIn, RETURN_PATH, renewToken, type Token } from "./sign-in";
import { SignInFault, type SignInProblem } from "./sign-in-fault";
import { problemOf, TokenSession } from "./token-session";
import { TrustedSession } from "./trusted-session";

/** The session for the installation's authentication mode. Finishes a sign-in that returns from the provider. */
export async function openSession(config: PageConfig): Promise<Session> {
  const { login } = config;
  if (config.isTrusted) {
    return new TrustedSession();
  }
  if (!login) {
    const refuse = (): Promise<never> => Promise.reject(new SignInFault("not-offered"));
    return new TokenSession({ begin: refuse, renew: refuse });
  }
  const session = new TokenSession({
    begin: () => beginSignIn(login),
    renew: (token) => renewToken(login, token),
  });
  const returned = location.pathname === RETURN_PATH ? await tokenFromReturn(login) : {};
  const token = returned.token ?? (await session.resume());
  if (token) {
    const { userId } = await readPageConfig(token.text, { origin: config.apiUrl });
    if (userId) {
      session.accept(token, userId);
    } else {
      session.signOut();
      session.report({ kind: returned.token ? "rejected" : "expired", detail: "" });
    }
  }
  if (returned.problem) {
    session.report(returned.problem);
  }
  return session;
}

/** The outcome of the sign-in whose answer is in the URL. Removes the answer from the URL. */
async function tokenFromReturn(login: Login): Promise<{ token?: Token; problem?: SignInProblem }> {
  const { search } = location;
  // The page opens either way. The code must not stay in the URL.
  history.replaceState(null, "", "/");
  try {
    return { token: await finishSignIn(login, search) };
  } catch (error) {
    console.warn("the sign-in failed", error);
    return { problem: problemOf(error) };
  }
}
