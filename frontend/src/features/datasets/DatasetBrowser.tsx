import "./datasets.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Database } from "lucide-react";
import { datasetsQuery } from "@/shared/api/queries";
import type { Dataset } from "@/shared/api/types";
import { bytes, integer } from "@/shared/format/numbers";
import { ago, exactTime } from "@/shared/format/time";
import { Loaded } from "@/shared/ui/Loaded";
import { Notice } from "@/shared/ui/Notice";
import { useNow } from "@/shared/useNow";
import { UploadPanel } from "./UploadPanel";

/** All datasets, and how to make one. */
export function DatasetBrowser() {
  const datasets = useQuery(datasetsQuery);
  return (
    <>
      <UploadPanel />
      <section className="card" aria-label="Datasets">
        <Loaded query={datasets}>
          {({ items }) =>
            items.length === 0 ? (
              <Notice icon={<Database size={28} aria-hidden />} title="No datasets yet">
                <p>
                  Upload text above, or type <code>groundup data push novels *.txt</code> in a terminal.
                </p>
              </Notice>
            ) : (
              <DatasetTable items={items} />
            )
          }
        </Loaded>
      </section>
    </>
  );
}

function DatasetTable({ items }: { items: readonly Dataset[] }) {
  const now = useNow(60_000);
  return (
    <div className="table-scroll">
      <table className="table dataset-table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" className="number">Version</th>
            <th scope="col" className="number">Size</th>
            <th scope="col" className="number wide">Files</th>
            <th scope="col" className="wide">By</th>
            <th scope="col" className="number">Updated</th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((dataset) => (
            <Row key={dataset.name} dataset={dataset} now={now} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ dataset: { name, latest }, now }: { dataset: Dataset; now: number }) {
  return (
    <tr>
      <td>
        <Link to="/datasets/$name" params={{ name }}>
          {name}
        </Link>
      </td>
      <td className="number">{latest.version}</td>
      <td className="number">{bytes(latest.bytes)}</td>
      <td className="number wide">{integer(latest.files)}</td>
      <td className="wide">{latest.created_by}</td>
      <td className="number muted" title={exactTime(latest.created_at)}>
        {ago(latest.created_at, now)}
      </td>
      <td className="number">
        <Link to="/runs/new" search={{ dataset: name }} className="button" data-kind="quiet" aria-label={`Train on ${name}`}>
          Train
        </Link>
      </td>
    </tr>
  );
}
