import { FileText, FolderOpen } from "lucide-react";
import { useRef, useState, type DragEvent } from "react";
import { Button } from "@/shared/ui/Button";

/** Files or a folder, dropped or chosen. */
export function DropZone({ onFiles }: { onFiles: (files: readonly File[]) => void }) {
  const [over, setOver] = useState(false);
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    onFiles([...event.dataTransfer.files]);
  };
  const drag = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  const take = (input: HTMLInputElement) => {
    onFiles([...(input.files ?? [])]);
    input.value = "";
  };
  return (
    <div className="drop-zone" data-over={over || undefined} onDrop={drop} onDragOver={drag} onDragLeave={() => setOver(false)}>
      <FileText size={24} aria-hidden />
      <p>Drop text files here, or</p>
      <div className="row">
        <Button onClick={() => files.current?.click()}>
          <FileText size={14} aria-hidden /> Choose files
        </Button>
        <Button onClick={() => folder.current?.click()}>
          <FolderOpen size={14} aria-hidden /> Choose a folder
        </Button>
      </div>
      <input ref={files} type="file" multiple hidden aria-label="Text files" onChange={({ target }) => take(target)} />
      <input ref={folder} type="file" multiple hidden aria-label="Folder of texts" {...{ webkitdirectory: "" }} onChange={({ target }) => take(target)} />
    </div>
  );
}
