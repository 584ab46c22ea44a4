import { Upload, X } from "lucide-react";
import { useState } from "react";
import { bytes, plural } from "@/shared/format/numbers";
import { useStore } from "@/shared/store";
import { Button, IconButton } from "@/shared/ui/Button";
import { Field } from "@/shared/ui/Field";
import { DropZone } from "./DropZone";
import { UploadStatus } from "./UploadStatus";
import { Uploader, currentUpload } from "./Uploader";
import { choose, nameFrom } from "./chosenFiles";
import type { SourceFile } from "./parts";

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const SHOWN = 8;

/** Choose text files, name the dataset, and watch its parts arrive. */
export function UploadPanel({ into }: { into?: string }) {
  const upload = useStore(currentUpload);
  // One that was refused or given up: its files and its name can be changed.
  const [before, setBefore] = useState<Uploader | null>(null);
  const close = (closed: Uploader) => {
    setBefore(closed.progress.get().phase === "done" ? null : closed);
    closed.cancel();
    currentUpload.set(null);
  };
  if (upload) return <UploadStatus upload={upload} onClose={() => close(upload)} />;
  return <ChooseFiles name={before?.dataset ?? into} chosen={before?.files ?? []} />;
}

interface ChooseProps {
  /** To begin with; by default it comes from the first file. */
  name: string | undefined;
  chosen: readonly SourceFile[];
}

function ChooseFiles({ name: given, chosen: before }: ChooseProps) {
  const [files, setFiles] = useState(before);
  const [left, setLeft] = useState<readonly string[]>([]);
  const [typed, setTyped] = useState(given);
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
        {files.length > 0 && <FileChoice files={files} onFiles={setFiles} />}
        {files.length > 0 && <StartUpload name={name} onName={setTyped} onStart={start} />}
      </div>
    </section>
  );
}

interface StartProps {
  name: string;
  onName: (name: string) => void;
  onStart: () => void;
}

function StartUpload({ name, onName, onStart }: StartProps) {
  const wrong = name !== "" && !NAME.test(name) ? "use lower-case letters, digits, '.', '_' and '-', at most 63" : undefined;
  return (
    <div className="upload-start">
      <Field label="Dataset" hint="a new name, or one that exists: then this is its next version" error={wrong}>
        {(control) => <input {...control} className="input" value={name} spellCheck={false} onChange={({ target }) => onName(target.value)} />}
      </Field>
      <Button kind="primary" disabled={name === "" || wrong !== undefined} onClick={onStart}>
        <Upload size={14} aria-hidden /> Upload
      </Button>
    </div>
  );
}

function FileChoice({ files, onFiles }: { files: readonly SourceFile[]; onFiles: (files: readonly SourceFile[]) => void }) {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  return (
    <div>
      <ul className="chosen">
        {files.slice(0, SHOWN).map(({ path, size }) => (
          <li key={path}>
            <span className="clip">{path}</span>
            <span className="muted">{bytes(size)}</span>
            <IconButton label={`Leave out ${path}`} onClick={() => onFiles(files.filter((file) => file.path !== path))}>
              <X size={14} aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
      <p className="muted">
        {files.length > SHOWN && `and ${String(files.length - SHOWN)} more: `}
        {plural(files.length, "file")}, {bytes(total)}{" "}
        {files.length > 1 && (
          <Button kind="quiet" onClick={() => onFiles([])}>
            Leave all out
          </Button>
        )}
      </p>
    </div>
  );
}
