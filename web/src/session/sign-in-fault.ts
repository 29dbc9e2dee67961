import * as oauth from "oauth4webapi";

/**
 * Why the user is not signed in, if they did not sign out themselves.
 *
 * - `expired`: the access token expired, or Gavel no longer accepts it.
 * - `insecure`: the page came over plain HTTP from another machine, where browsers have no cryptography.
 * - `storage`: the browser forbids this site to store anything.
 * - `blocked`: the page's Content Security Policy forbids a request to `detail`.
 * - `unreachable`: the provider `detail` does not respond.
 * - `refused`: the provider refused, for the reason in `detail`.
 * - `rejected`: Gavel does not accept the provider's access token.
 * - `invalid`: the provider's answer is not valid, for the reason in `detail`.
 * - `not-offered`: the installation names no provider.
 */
export type SignInProblemKind =
  | "expired"
  | "insecure"
  | "storage"
  | "blocked"
  | "unreachable"
  | "refused"
  | "rejected"
  | "invalid"
  | "not-offered";
export type SignInProblem = { readonly kind: SignInProblemKind; readonly detail: string };

/** A sign-in that can't work, and why. */
export class SignInFault extends Error {
  readonly problem: SignInProblem;

  constructor(kind: SignInProblemKind, detail = "", options?: ErrorOptions) {
    super(detail ? `${kind}: ${detail}` : kind, options);
    this.problem = { kind, detail };
  }
}

/** A violation of the policy is reported a moment after the request that it blocked has failed. */
const VIOLATION_REPORT_MS = 200;
const DETAIL_CHARACTERS_MAX = 200;

/** Perform requests to the provider at `url`. Rejects with a SignInFault. */
export async function asSignInFault<Result>(url: string, requests: () => Promise<Result>): Promise<Result> {
  const blocked: string[] = [];
  const note = ({ blockedURI }: SecurityPolicyViolationEvent): void => {
    blocked.push(blockedURI);
  };
  document.addEventListener("securitypolicyviolation", note);
  try {
    return await requests();
  } catch (error) {
    if (error instanceof TypeError) {
      await new Promise((reported) => setTimeout(reported, VIOLATION_REPORT_MS));
    }
    throw blocked[0] ? new SignInFault("blocked", originOf(blocked[0]), { cause: error }) : faultOf(error, url);
  } finally {
    document.removeEventListener("securitypolicyviolation", note);
  }
}

function faultOf(error: unknown, url: string): SignInFault {
  if (error instanceof SignInFault) {
    return error;
  }
  const options = { cause: error };
  if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError) {
    return new SignInFault("refused", shortened(error.error_description ?? error.error), options);
  }
  const isNetworkError = error instanceof TypeError;
  if (isNetworkError || (error instanceof DOMException && ["TimeoutError", "AbortError"].includes(error.name))) {
    return new SignInFault("unreachable", originOf(url), options);
  }
  if (error instanceof DOMException && ["SecurityError", "QuotaExceededError"].includes(error.name)) {
    return new SignInFault("storage", "", options);
  }
  return new SignInFault("invalid", shortened(error instanceof Error ? error.message : String(error)), options);
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}

function shortened(text: string): string {
  return text.slice(0, DETAIL_CHARACTERS_MAX);
}
