import { screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { InMemoryGavel } from "../testing/in-memory-gavel";
import { renderPage } from "../testing/render-page";

const HEALTHY = {
  version: "1.2.3",
  bids_per_second: 12.5,
  outbox_events: 3,
  outbox_oldest_seconds: 0.02,
  closer_overdue_seconds: 0,
  dead_letters: 0,
  bid_p99_seconds: 0.012,
  failed_calls_share: 0,
  watchers: 7,
  items_active: 4,
};

/** A server whose status is `status`, until it is frozen: then it never answers. */
class StatusServer {
  isFrozen = false;
  status: object = HEALTHY;
  #answers = 0;

  constructor() {
    vi.stubGlobal("fetch", (_: string, { signal }: RequestInit) => this.#answer(signal as AbortSignal));
  }

  #answer(signal: AbortSignal): Promise<Response> {
    if (this.isFrozen) {
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }
    this.#answers += 1;
    return Promise.resolve(Response.json({ ...this.status, at: String(this.#answers) }));
  }
}

afterEach(() => vi.unstubAllGlobals());

/** The words of a value: its label, the value, what it means, its level. */
async function shownAs(label: string): Promise<string> {
  return (await screen.findByText(label)).closest("div")?.textContent ?? "";
}

describe("the status page", () => {
  it("shows latency, errors, closer, dead letters and version, each with its level in words", async () => {
    new StatusServer();
    renderPage(new InMemoryGavel(), "/status");
    expect(await screen.findByText("All systems normal")).toBeInTheDocument();
    expect(await shownAs("Bid latency")).toMatch(/12 ms.*normal$/);
    expect(await shownAs("Failed calls")).toMatch(/0 %.*normal$/);
    expect(await shownAs("Outbox lag")).toMatch(/20 ms.*normal$/);
    expect(await shownAs("Closer")).toMatch(/on time.*normal$/);
    expect(await shownAs("Dead letters")).toMatch(/0.*normal$/);
    expect(screen.getByText("Gavel 1.2.3")).toBeInTheDocument();
    expect(screen.getByText(/^as of \d\d:\d\d:\d\d$/)).toBeInTheDocument();
  });

  it("shows what is beyond its thresholds in another colour, and in words", async () => {
    const server = new StatusServer();
    server.status = { ...HEALTHY, bid_p99_seconds: 0.3, closer_overdue_seconds: 12, failed_calls_share: 0.02 };
    renderPage(new InMemoryGavel(), "/status");
    expect(await screen.findByText("Action needed")).toBeInTheDocument();
    expect(await shownAs("Bid latency")).toMatch(/300 ms.*degraded$/);
    expect(await shownAs("Closer")).toMatch(/12.0 s.*action needed$/);
    expect(await shownAs("Failed calls")).toMatch(/2.00 %.*action needed$/);
    expect(screen.getByText("Closer").closest("div")).toHaveClass("status__judged--alarm");
    expect(screen.getByText("Outbox lag").closest("div")).toHaveClass("status__judged--good");
  });

  it("does not judge what the server does not know", async () => {
    const server = new StatusServer();
    server.status = { ...HEALTHY, bid_p99_seconds: null, dead_letters: null };
    renderPage(new InMemoryGavel(), "/status");
    expect(await shownAs("Dead letters")).toBe("Dead letters–not known to this process");
    expect(await shownAs("Bid latency")).toBe("Bid latency–no bid over the API in the last minute");
    expect(screen.getByText("All systems normal")).toBeInTheDocument();
  });

  it("turns grey with its age when a frozen server gives no answer for 3 s, and back", async () => {
    const server = new StatusServer();
    const { container } = renderPage(new InMemoryGavel(), "/status");
    await screen.findByText("All systems normal");
    const frozenMs = Date.now();
    server.isFrozen = true;
    expect(await screen.findByText("Not current: the server does not answer")).toBeInTheDocument();
    expect(Date.now() - frozenMs).toBeLessThan(10_000);
    expect(container.querySelector(".status--stale")).not.toBeNull();
    expect(screen.queryByText("All systems normal")).not.toBeInTheDocument();
    await waitFor(() => expect(screen.getByText(/^as of .*, [4-9] s ago$/)).toBeInTheDocument());
    server.isFrozen = false;
    expect(await screen.findByText("All systems normal")).toBeInTheDocument();
    expect(container.querySelector(".status--stale")).toBeNull();
  });

  it("is not in the buyers' navigation", async () => {
    new StatusServer();
    renderPage(new InMemoryGavel(), "/status");
    expect(await screen.findByRole("link", { name: "Auctions" })).toBeInTheDocument();
    expect(screen.queryByRole("link", { name: "Status" })).not.toBeInTheDocument();
  });
});
