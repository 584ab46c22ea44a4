import { Skeleton } from "@/shared/ui/Skeleton";

/** In place of charts that are loaded. */
export function ChartSkeletons() {
  return (
    <div className="chart-grid">
      {[0, 1, 2].map((index) => (
        <div key={index} className="card card-body">
          <Skeleton lines={1} height={200} />
        </div>
      ))}
    </div>
  );
}
