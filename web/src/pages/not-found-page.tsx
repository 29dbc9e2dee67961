import { Link } from "wouter";
import { usePageTitle } from "../shell/page-title";

export function NotFoundPage() {
  usePageTitle("Not found");
  return (
    <div className="page">
      <h1>Page not found</h1>
      <div className="empty">
        <strong>There is no page at this address.</strong>
        <Link href="/" className="button button--primary">
          See all auctions
        </Link>
      </div>
    </div>
  );
}
