import { preview } from "vite";

/**
 * Where the built page of a Gavel is: at its own address where it serves the page, else at that of a server in front
 * of it that adds the page and passes everything else on.
 */
export async function pageOf(gavelUrl: string): Promise<{ url: string; close: () => Promise<void> }> {
  const front = await fetch(gavelUrl, { headers: { Accept: "text/html" } });
  if (front.headers.get("Content-Type")?.includes("text/html")) {
    return { url: gavelUrl, close: async () => undefined };
  }
  const target = { target: gavelUrl };
  const server = await preview({
    configFile: false,
    root: new URL("..", import.meta.url).pathname,
    logLevel: "error",
    preview: {
      host: "127.0.0.1",
      port: 0,
      proxy: { "/bids.v1.BidService": target, "/userstats.v1.UserStatsService": target, "/board.json": target },
    },
  });
  const url = server.resolvedUrls?.local[0]?.replace(/\/$/, "");
  if (!url) {
    throw new Error("the page is not served");
  }
  return { url, close: () => server.close() };
}
