import { DatasetBrowser } from "@/features/datasets/DatasetBrowser";
import { useTitle } from "@/shared/useTitle";

export default function DatasetsPage() {
  useTitle("Datasets");
  return (
    <div className="page">
      <div className="page-head">
        <h1>Datasets</h1>
      </div>
      <DatasetBrowser />
    </div>
  );
}
