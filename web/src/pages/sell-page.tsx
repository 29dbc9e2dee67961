import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useRef, useState } from "react";
import { useLocation } from "wouter";
import { ItemArt } from "../items/item-art";
import { useIdentity, useLive } from "../live/live-context";
import { useHouseCurrency } from "../live/use-items";
import { formatMoney, parseMoney } from "../money/money";
import {
  checkListing,
  EMPTY_DRAFT,
  exampleAmount,
  type FieldName,
  type ListingDraft,
  type Problems,
  problemsFrom,
} from "../selling/listing-draft";
import { TextField } from "../selling/text-field";
import { useListing } from "../selling/use-listing";
import { TokenSession } from "../session/token-session";
import { usePageTitle } from "../shell/page-title";
import { useKeptState } from "../ui/kept-state";
import { MoneyField } from "../ui/money-field";
import "./sell-page.css";

const CATEGORIES =
  "antiques art books cars charity electronics fashion games garden home jewelry kitchen music sports toys watches wine".split(
    " ",
  );

const DURATIONS = [
  [60, "1 minute (to try it)"],
  [600, "10 minutes"],
  [3_600, "1 hour"],
  [86_400, "1 day"],
  [3 * 86_400, "3 days"],
  [7 * 86_400, "7 days"],
] as const;

const DRAFT_KEY = "gavel.sell-draft";

/** The form that lists an item. What is typed is kept while the user signs in. */
export function SellPage() {
  usePageTitle("Sell");
  const live = useLive();
  const list = useListing();
  const queries = useQueryClient();
  const { userId } = useIdentity();
  const signIn = userId === "" && live.session instanceof TokenSession ? live.session.signIn : null;
  const currency = useHouseCurrency() ?? "USD";
  const [, go] = useLocation();
  const [kept, keep] = useKeptState<ListingDraft>(DRAFT_KEY);
  // A draft that an older build has kept may lack fields.
  const draft = { ...EMPTY_DRAFT, ...kept };
  const [problems, setProblems] = useState<Problems>({});
  const [isListing, setIsListing] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const ids = useId();

  const set = (field: FieldName) => (value: string) => {
    keep({ ...draft, [field]: field === "durationSeconds" ? Number(value) : value });
    setProblems(({ [field]: _, form: __, ...others }) => others);
  };

  const show = (found: Problems): void => {
    setProblems(found);
    requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (signIn) {
      signIn();
      return;
    }
    // The server's time is unknown only while there are no items; then this machine's has to do.
    const checked = checkListing(draft, currency, userId, live.clock.nowMs() ?? Date.now());
    if (!checked.ok) {
      show(checked.problems);
      return;
    }
    setIsListing(true);
    try {
      const item = await list(draft, checked.request);
      keep(null);
      void queries.invalidateQueries();
      if (item) {
        go(`/items/${item.id}`);
      }
    } catch (error) {
      show(problemsFrom(error));
      setIsListing(false);
    }
  };

  const price = parseMoney(draft.startPrice, currency);
  return (
    <div className="page">
      <div className="page__head">
        <h1>Sell an item</h1>
        <p className="muted">
          Everyone sees the bids as they are placed. You can cancel the auction until the first bid.
        </p>
      </div>
      <div className="sell">
        <form ref={form} className="sheet sell__form" noValidate onSubmit={(event) => void submit(event)}>
          <TextField
            label="Title"
            value={draft.title}
            onChange={set("title")}
            problem={problems.title}
            max={200}
            required
          />
          <TextField
            label="Description"
            value={draft.description}
            onChange={set("description")}
            problem={problems.description}
            max={10_000}
            lines
            hint="Condition, age, what is included."
          />
          <div className="sell__pair">
            <TextField
              label="Category"
              value={draft.category}
              onChange={set("category")}
              problem={problems.category}
              max={64}
              options={CATEGORIES}
            />
            <MoneyField
              label="Starting price"
              currency={currency}
              value={draft.startPrice}
              onChange={set("startPrice")}
              problem={problems.startPrice}
              hint={`The least first bid, such as ${exampleAmount(currency)}.`}
              required
            />
          </div>
          <div className="sell__pair">
            <div className="field">
              <label htmlFor={`${ids}-duration`}>Runs for</label>
              <select
                id={`${ids}-duration`}
                className="input"
                value={draft.durationSeconds}
                aria-invalid={problems.durationSeconds ? true : undefined}
                onChange={(event) => set("durationSeconds")(event.target.value)}
              >
                {DURATIONS.map(([seconds, label]) => (
                  <option key={seconds} value={seconds}>
                    {label}
                  </option>
                ))}
              </select>
              {problems.durationSeconds && <p className="field__problem">{problems.durationSeconds}</p>}
            </div>
            <TextField
              label="Opens"
              type="datetime-local"
              value={draft.startAt}
              onChange={set("startAt")}
              problem={problems.startAt}
              hint="Leave empty to open now."
            />
          </div>
          <TextField
            label="Pictures"
            value={draft.images}
            onChange={set("images")}
            problem={problems.images}
            lines
            hint="URLs, one per line. Without any, a picture is generated."
          />
          <details className="sell__more">
            <summary>Reserve, buy-now and other rules</summary>
            <div className="sell__pair">
              <MoneyField
                label="Reserve"
                currency={currency}
                value={draft.reservePrice}
                onChange={set("reservePrice")}
                problem={problems.reservePrice}
                hint="The item is not sold below this price. Only you know it."
              />
              <MoneyField
                label="Buy-now price"
                currency={currency}
                value={draft.buyNowPrice}
                onChange={set("buyNowPrice")}
                problem={problems.buyNowPrice}
                hint="Buying at this price ends the auction at once."
              />
              <MoneyField
                label="Minimum increment"
                currency={currency}
                value={draft.incrementFixed}
                onChange={set("incrementFixed")}
                problem={problems.incrementFixed}
                hint="Leave empty for the default, which depends on the price."
              />
              <TextField
                label="Minimum increment in per cent"
                value={draft.incrementPercent}
                onChange={set("incrementPercent")}
                problem={problems.incrementPercent}
                hint="If both are set, the larger one counts."
              />
              <TextField
                label="Extension by late bids, in seconds"
                value={draft.softCloseSeconds}
                onChange={set("softCloseSeconds")}
                problem={problems.softCloseSeconds}
                hint="A bid this close to the end extends the auction by as much. 0 turns this off."
              />
            </div>
          </details>
          {problems.form && (
            <p className="message message--alarm" role="alert">
              {problems.form}
            </p>
          )}
          <button type="submit" className="button button--primary button--big" disabled={isListing}>
            {signIn ? "Sign in to start the auction" : isListing ? "Listing…" : "Start the auction"}
          </button>
          {signIn && <p className="muted small">What you have typed is kept while you sign in.</p>}
        </form>
        <aside className="sell__preview" aria-hidden="true">
          <p className="label">Preview</p>
          <div className="item-card">
            <div className="item-card__art">
              <ItemArt title={draft.title || "Your item"} category={draft.category} />
            </div>
            <div className="item-card__body">
              <p className="item-card__title">{draft.title || "Your item"}</p>
              <div>
                <p className="label">Starts at</p>
                <p className="item-card__price price">{price.ok ? formatMoney(price.minor, currency) : "–"}</p>
              </div>
            </div>
          </div>
        </aside>
      </div>
    </div>
  );
}
