import { useState } from "react";
import { LotArt } from "./lot-art";
import "./lot-picture.css";

/** A lot's picture; its generated one where there is none, or where none can be loaded. */
export function LotPicture({
  src,
  title,
  category,
  alt = "",
}: {
  src: string | undefined;
  title: string;
  category: string;
  alt?: string;
}) {
  const [failedSrc, setFailedSrc] = useState<string>();
  if (!src || src === failedSrc) {
    return <LotArt title={title} category={category} />;
  }
  return (
    <img
      className="lot-photo"
      src={src}
      alt={alt}
      loading="lazy"
      decoding="async"
      referrerPolicy="no-referrer"
      onError={() => setFailedSrc(src)}
    />
  );
}
