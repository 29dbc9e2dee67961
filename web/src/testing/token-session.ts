import { TokenSession } from "../session/token-session";

const HOUR_MS = 3_600_000;

/** A session that is signed out, whose provider does nothing. */
export function aTokenSession(): TokenSession {
  const neverRenews = (): Promise<never> => new Promise(() => undefined);
  return new TokenSession({ begin: async () => undefined, renew: neverRenews });
}

/** Sign a session in, for an hour unless `endsInMs` says otherwise. */
export function signIn(session: TokenSession, userId: string, { text = "one", endsInMs = HOUR_MS } = {}): void {
  session.accept({ text, name: "Ada", endsAtMs: Date.now() + endsInMs }, userId);
}
