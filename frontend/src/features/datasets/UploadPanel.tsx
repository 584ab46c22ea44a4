import { FileText, FolderOpen, Upload, X } from "lucide-react";
import { useRef, useState, type DragEvent } from "react";
import { bytes, plural } from "@/shared/format/numbers";
import { useStore } from "@/shared/store";
import { Button, IconButton } from "@/shared/ui/Button";
import { Field } from "@/shared/ui/Field";
import { UploadStatus } from "./UploadStatus";
import { Uploader, currentUpload } from "./Uploader";
import { choose, nameFrom } from "./chosenFiles";
import type { SourceFile } from "./parts";

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const SHOWN = 8;

/** Choose text files, name the dataset, and watch its parts arrive. */
export function UploadPanel({ into }: { into?: string }) {
  const upload = useStore(currentUpload);
  if (upload) return <UploadStatus upload={upload} />;
  return <ChooseFiles into={into} />;
}

function ChooseFiles({ into }: { into: string | undefined }) {
  const [files, setFiles] = useState<readonly SourceFile[]>([]);
  const [left, setLeft] = useState<readonly string[]>([]);
  const [typed, setTyped] = useState<string | null>(into ?? null);
  const name = typed ?? (files[0] ? nameFrom(files[0].path) : "");
  const add = (added: readonly File[]) => {
    const chosen = choose(files, added);
    setFiles(chosen.files);
    setLeft(chosen.left);
  };
  const start = () => {
    const upload = new Uploader(name, files);
    currentUpload.set(upload);
    void upload.run();
  };
  const wrong = name !== "" && !NAME.test(name) ? "use lower-case letters, digits, '.', '_' and '-', at most 63" : undefined;
  return (
    <section className="card" aria-label="Upload">
      <div className="card-head">
        <h2>Upload text</h2>
        <span className="muted">UTF-8 files; each is one document</span>
      </div>
      <div className="card-body stack">
        <DropZone onFiles={add} />
        {left.map((text) => (
          <p key={text} className="field-error">
            {text}; it is left out
          </p>
        ))}
        {files.length > 0 && (
          <>
            <FileChoice files={files} onRemove={(path) => setFiles(files.filter((file) => file.path !== path))} />
            <div className="upload-start">
              <Field label="Dataset" hint="a new name, or one that exists: then this is its next version" error={wrong}>
                {(control) => <input {...control} className="input" value={name} spellCheck={false} onChange={({ target }) => setTyped(target.value)} />}
              </Field>
              <Button kind="primary" disabled={name === "" || wrong !== undefined} onClick={start}>
                <Upload size={14} aria-hidden /> Upload
              </Button>
            </div>
          </>
        )}
      </div>
    </section>
  );
}

function DropZone({ onFiles }: { onFiles: (files: readonly File[]) => void }) {
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

function FileChoice({ files, onRemove }: { files: readonly SourceFile[]; onRemove: (path: string) => void }) {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  return (
    <div>
      <ul className="chosen">
        {files.slice(0, SHOWN).map(({ path, size }) => (
          <li key={path}>
            <span className="clip">{path}</span>
            <span className="muted">{bytes(size)}</span>
            <IconButton label={`Leave out ${path}`} onClick={() => onRemove(path)}>
              <X size={14} aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
      <p className="muted">
        {files.length > SHOWN && `and ${String(files.length - SHOWN)} more: `}
        {plural(files.length, "file")}, {bytes(total)}
      </p>
    </div>
  );
}
