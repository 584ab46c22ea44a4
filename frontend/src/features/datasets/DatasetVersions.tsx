import "./datasets.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { call, path } from "@/shared/api/client";
import { keys } from "@/shared/api/queries";
import type { DatasetVersion, Page } from "@/shared/api/types";
import { bytes, integer } from "@/shared/format/numbers";
import { exactTime } from "@/shared/format/time";
import { Loaded } from "@/shared/ui/Loaded";
import { DocumentPreview } from "./DocumentPreview";
import { UploadPanel } from "./UploadPanel";

interface Props {
  name: string;
  /** The one that is shown; the newest where none is asked for. */
  version: string | undefined;
  onVersion: (version: string) => void;
}

/** The versions of a dataset and what is in one of them. */
export function DatasetVersions({ name, version, onVersion }: Props) {
  const versions = useQuery({
    queryKey: [...keys.datasets, name],
    queryFn: ({ signal }) => call<Page<DatasetVersion>>("GET", path`/api/v1/datasets/${name}/versions`, { query: { limit: 200 }, signal }),
  });
  return (
    <Loaded query={versions}>
      {({ items }) => {
        const shown = items.find((item) => String(item.version) === version) ?? items[0];
        if (!shown) return null;
        return (
          <>
            <section className="card card-body stack" aria-label="Version">
              <div className="row spread">
                <select className="input version-choice" aria-label="Version" value={shown.version} onChange={({ target }) => onVersion(target.value)}>
                  {items.map((item) => (
                    <option key={item.id} value={item.version}>
                      version {item.version}
                    </option>
                  ))}
                </select>
                <Link to="/runs/new" search={{ dataset: `${name}@${String(shown.version)}` }} className="button" data-kind="primary">
                  Train on it
                </Link>
              </div>
              <VersionFacts version={shown} />
            </section>
            <DocumentPreview key={shown.id} version={shown} />
            <details>
              <summary>Upload a new version</summary>
              <UploadPanel into={name} />
            </details>
          </>
        );
      }}
    </Loaded>
  );
}

function VersionFacts({ version }: { version: DatasetVersion }) {
  return (
    <dl className="facts">
      <div>
        <dt>Size</dt>
        <dd>{bytes(version.bytes)}</dd>
      </div>
      <div>
        <dt>Files</dt>
        <dd>{integer(version.files)}</dd>
      </div>
      <div>
        <dt>Made</dt>
        <dd>{exactTime(version.created_at)}</dd>
      </div>
      <div>
        <dt>By</dt>
        <dd>{version.created_by}</dd>
      </div>
      <div>
        <dt>Id</dt>
        <dd className="mono">{version.id}</dd>
      </div>
    </dl>
  );
}
