import { Braces, ChartLine, Database, Download, Sheet } from "lucide-react";
import { path, withQuery } from "@/shared/api/client";
import type { Run } from "@/shared/api/types";
import { Menu, MenuDownload, MenuItem } from "./Menu";

const FORMATS = [
  { format: "csv", text: "CSV", icon: Sheet, about: "a row per point, for spreadsheets and pandas" },
  { format: "parquet", text: "Parquet", icon: Database, about: "the same rows, small and typed" },
  { format: "jsonl", text: "JSON lines", icon: Braces, about: "the same rows, an object each" },
  { format: "tensorboard", text: "TensorBoard", icon: ChartLine, about: "its event files in a .zip" },
] as const;

/** Every metric point of the run as a file. Before the first step there is none. */
export function ExportMetrics({ run }: { run: Run }) {
  return (
    <Menu label="Export" icon={Download}>
      {run.progress.step === 0 ? (
        <MenuItem icon={Download} text="No points yet" about="the first come with the first step" disabled onSelect={() => undefined} />
      ) : (
        FORMATS.map(({ format, ...item }) => (
          <MenuDownload key={format} {...item} href={withQuery(path`/api/v1/runs/${run.id}/metrics/export`, { format })} />
        ))
      )}
    </Menu>
  );
}
