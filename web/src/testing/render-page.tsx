import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { onTestFinished } from "vitest";
import { Router } from "wouter";
import { memoryLocation } from "wouter/memory-location";
import { App, openQueries } from "../app";
import { Live } from "../live/live";
import type { Session } from "../session/session";
import { TrustedSession } from "../session/trusted-session";
import type { InMemoryGavel } from "./in-memory-gavel";
import { ME } from "./items";

/** Render the whole page at a path, on a fake server in memory. */
export function renderPage(
  gavel: InMemoryGavel,
  path: string,
  session: Session = new TrustedSession({ userId: ME, name: "Me" }),
) {
  const live = new Live(session, gavel.transport);
  onTestFinished(() => live.feed.stop());
  const location = memoryLocation({ path, record: true });
  const queries = openQueries();
  queries.setDefaultOptions({ queries: { retry: false } });
  const page = render(
    <Router hook={location.hook} searchHook={location.searchHook}>
      <App live={live} queries={queries} />
    </Router>,
  );
  const user = userEvent.setup({ delay: null });
  return { ...page, live, user, location };
}
