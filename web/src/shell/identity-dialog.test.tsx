import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { identityLink, loadIdentity } from "../session/identity";
import { pseudonym } from "../session/pseudonym";
import { TrustedSession } from "../session/trusted-session";
import { InMemoryGavel } from "../testing/in-memory-gavel";
import { anItem, ME, RIVAL } from "../testing/items";
import { renderPage } from "../testing/render-page";

async function openDialog() {
  const session = new TrustedSession({ userId: ME, name: "Ada" });
  const page = renderPage(new InMemoryGavel(anItem()), "/sell", session);
  await page.user.click(screen.getByRole("button", { name: /You bid as/ }));
  return { ...page, session, dialog: within(screen.getByRole("dialog")) };
}

describe("starting as someone new", () => {
  it("asks first, and keeps the identity if the user says no", async () => {
    const { user, session, dialog } = await openDialog();
    await user.click(dialog.getByRole("button", { name: "Start as someone new" }));
    expect(dialog.getByRole("alert")).toHaveTextContent("This browser would no longer bid as Ada.");
    await user.click(dialog.getByRole("button", { name: "Stay Ada" }));
    expect(dialog.queryByRole("alert")).not.toBeInTheDocument();
    expect(session.identity().userId).toBe(ME);
  });

  it("replaces the identity if the user says yes", async () => {
    const { user, session, dialog } = await openDialog();
    await user.click(dialog.getByRole("button", { name: "Start as someone new" }));
    await user.click(within(dialog.getByRole("alert")).getByRole("button", { name: "Start as someone new" }));
    expect(screen.queryByRole("dialog")).not.toBeInTheDocument();
    expect(session.identity().userId).not.toBe(ME);
    expect(loadIdentity()).toEqual(session.identity());
  });
});

describe("an identity on another device", () => {
  it("is copied as a link", async () => {
    const { user, dialog } = await openDialog();
    const link = identityLink({ userId: ME, name: "Ada" });
    expect(dialog.getByLabelText("Link for another device")).toHaveValue(link);
    await user.click(dialog.getByRole("button", { name: "Copy" }));
    expect(await dialog.findByRole("button", { name: "Copied" })).toBeInTheDocument();
    expect(await navigator.clipboard.readText()).toBe(link);
  });

  it.each([
    ["its link", identityLink({ userId: ME, name: "Ada" }), "Ada"],
    ["its id", ME, pseudonym(ME)],
  ])("is taken over from %s, after the page has said whose it is", async (_, code, name) => {
    const session = new TrustedSession({ userId: RIVAL, name: "Bob" });
    const { user, location } = renderPage(new InMemoryGavel(anItem()), "/identity", session);
    await user.click(screen.getByLabelText("Link or bidder id"));
    await user.paste(code);
    expect(screen.getByText(/This browser will bid as/)).toHaveTextContent(`bid as ${name} (${pseudonym(ME)}) instead`);
    expect(session.identity().userId).toBe(RIVAL);
    await user.click(screen.getByRole("button", { name: `Bid as ${name} here` }));
    expect(session.identity()).toEqual({ userId: ME, name });
    await waitFor(() => expect(location.history.at(-1)).toBe("/my-bids"));
  });

  it("is not taken over from another text", async () => {
    const session = new TrustedSession({ userId: RIVAL, name: "Bob" });
    const { user } = renderPage(new InMemoryGavel(anItem()), "/identity", session);
    await user.type(screen.getByLabelText("Link or bidder id"), "Ada{Enter}");
    expect(screen.getByRole("alert")).toHaveTextContent("neither the link nor the bidder id");
    expect(session.identity().userId).toBe(RIVAL);
  });

  it("changes in every tab of the browser", () => {
    const session = new TrustedSession({ userId: ME, name: "Ada" });
    localStorage.setItem("gavel.identity", JSON.stringify({ userId: RIVAL, name: "Bob" }));
    window.dispatchEvent(new StorageEvent("storage", { key: "gavel.identity" }));
    expect(session.identity()).toEqual({ userId: RIVAL, name: "Bob" });
  });
});
