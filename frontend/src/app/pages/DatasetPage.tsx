import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { DatasetVersions } from "@/features/datasets/DatasetVersions";
import { useTitle } from "@/shared/useTitle";

export default function DatasetPage() {
  const { name } = useParams({ from: "/datasets/$name" });
  const { version } = useSearch({ from: "/datasets/$name" });
  const navigate = useNavigate({ from: "/datasets/$name" });
  useTitle(name);
  return (
    <div className="page">
      <div className="page-head">
        <h1>
          <Link to="/datasets">Datasets</Link> / {name}
        </h1>
      </div>
      <DatasetVersions name={name} version={version} onVersion={(next) => void navigate({ search: { version: next }, replace: true })} />
    </div>
  );
}
