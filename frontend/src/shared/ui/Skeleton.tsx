/** Lines where text will be. */
export function Skeleton({ lines = 3, height = 14 }: { lines?: number; height?: number }) {
  return (
    <div className="stack" style={{ gap: 10 }} role="status">
      <span className="visually-hidden">loading</span>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} className="skeleton" style={{ height, width: `${String(96 - ((index * 17) % 40))}%` }} />
      ))}
    </div>
  );
}
