const WIDTH = 240;
const HEIGHT = 48;
const SLOTS = 60;

/** The recent values of one metric, the newest at the right. */
export function Sparkline({ samples, label }: { samples: readonly number[]; label: string }) {
  const top = Math.max(1e-9, ...samples);
  const x = (index: number): number => WIDTH - ((samples.length - 1 - index) * WIDTH) / (SLOTS - 1);
  const y = (value: number): number => HEIGHT - 2 - (value / top) * (HEIGHT - 6);
  const line = samples
    .map((value, index) => `${index ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`)
    .join("");
  return (
    <svg
      className="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {samples.length > 1 && (
        <>
          <path className="sparkline__area" d={`${line}V${HEIGHT}H${x(0).toFixed(1)}Z`} />
          <path className="sparkline__line" d={line} />
        </>
      )}
    </svg>
  );
}
