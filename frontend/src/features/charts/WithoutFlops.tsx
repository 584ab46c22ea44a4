import type { Run } from "@/shared/api/types";
import { InfoBanner } from "@/shared/ui/Notice";

/** Says which runs have no line over FLOPs, where there are any. */
export function WithoutFlops({ runs }: { runs: readonly Pick<Run, "name">[] }) {
  if (runs.length === 0) return null;
  return (
    <InfoBanner>
      Nobody knows the FLOPs of {runs.map(({ name }) => name).join(", ")}, so {runs.length === 1 ? "it is" : "they are"} not drawn over them.
    </InfoBanner>
  );
}
