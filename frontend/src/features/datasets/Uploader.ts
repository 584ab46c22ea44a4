import { call, path } from "@/shared/api/client";
import { Problem, asProblem, offline } from "@/shared/api/problem";
import type { DatasetVersion, NewUpload, Upload } from "@/shared/api/types";
import { Store } from "@/shared/store";
import { checkText, cut, readPart, sha256, type Piece, type SourceFile } from "./parts";
import { putObject } from "./putObject";

export type PartState = "waiting" | "reading" | "there" | "sending" | "checking" | "verified";

export interface UploadPart {
  bytes: number;
  sent: number;
  state: PartState;
}

export interface UploadProgress {
  phase: "reading" | "sending" | "finishing" | "done" | "failed" | "cancelled";
  parts: readonly UploadPart[];
  problem: Problem | null;
  version: DatasetVersion | null;
}

const TRIES = 5;
const WAIT_MS = 1000;

/** One upload: reads and hashes the files, sends what storage lacks, and makes the version. It goes on where it failed. */
export class Uploader {
  readonly progress = new Store<UploadProgress>({ phase: "reading", parts: [], problem: null, version: null });
  private readonly stopping = new AbortController();
  private pieces: Piece[][] = [];
  private hashes: string[] = [];
  private upload: Upload | null = null;

  constructor(
    readonly dataset: string,
    readonly files: readonly SourceFile[],
  ) {}

  /** An upload that is done stays done. */
  cancel(): void {
    this.stopping.abort();
    if (this.progress.get().phase !== "done") this.set({ phase: "cancelled" });
  }

  /** Never throws; what went wrong is in `progress`, and running again goes on from there. */
  async run(): Promise<void> {
    try {
      this.set({ phase: "reading", problem: null });
      if (this.hashes.length === 0) await this.hashAll();
      this.set({ phase: "sending" });
      this.upload = await this.begin();
      await this.sendAll(this.upload);
      this.set({ phase: "finishing" });
      const version = await call<DatasetVersion>("POST", path`/api/v1/uploads/${this.upload.id}/complete`, this.signal);
      this.set({ phase: "done", version });
    } catch (thrown) {
      if (!this.stopping.signal.aborted) this.set({ phase: "failed", problem: asProblem(thrown) });
    }
  }

  private get signal() {
    return { signal: this.stopping.signal };
  }

  private async hashAll(): Promise<void> {
    this.pieces = await cut(this.files);
    const sizes = this.pieces.map((pieces) => pieces.reduce((sum, { size }) => sum + size, 0));
    this.set({ parts: sizes.map((bytes) => ({ bytes, sent: 0, state: "waiting" })) });
    const hashes: string[] = [];
    for (const [index, pieces] of this.pieces.entries()) {
      this.stopping.signal.throwIfAborted();
      this.setPart(index, { state: "reading" });
      const content = await readPart(pieces);
      checkText(content, pieces);
      hashes.push(await sha256(content));
      this.setPart(index, { state: "waiting" });
    }
    this.hashes = hashes;
  }

  private begin(): Promise<Upload> {
    if (this.upload) return call<Upload>("GET", path`/api/v1/uploads/${this.upload.id}`, this.signal);
    const body: NewUpload = {
      dataset: this.dataset,
      files: this.files.map((file) => ({ path: file.path, bytes: file.size })),
      parts: this.hashes.map((hash, index) => ({ sha256: hash, bytes: this.progress.get().parts[index]?.bytes ?? 0 })),
    };
    return call<Upload>("POST", "/api/v1/uploads", { body, ...this.signal });
  }

  private async sendAll({ id, missing }: Upload): Promise<void> {
    const urls = new Map(missing.map(({ sha256: hash, url }) => [hash, url]));
    for (const [index, hash] of this.hashes.entries()) {
      if (urls.has(hash)) await this.sendPart(id, index, hash, urls);
      else if (this.progress.get().parts[index]?.state !== "verified") this.setPart(index, { state: "there" });
      urls.delete(hash);
    }
  }

  private async sendPart(id: string, index: number, hash: string, urls: Map<string, string>): Promise<void> {
    const content = await readPart(this.pieces[index] ?? []);
    await this.tried(async () => {
      this.setPart(index, { state: "sending", sent: 0 });
      await putObject(urls.get(hash) ?? "", content, (sent) => this.setPart(index, { sent }), this.stopping.signal);
    }, () => this.renew(id, urls));
    this.setPart(index, { state: "checking", sent: content.length });
    await this.tried(() => call("POST", path`/api/v1/uploads/${id}/parts/${hash}`, this.signal), () => Promise.resolve());
    this.setPart(index, { state: "verified" });
  }

  /** An address is good for an hour only. */
  private async renew(id: string, urls: Map<string, string>): Promise<void> {
    const { missing } = await call<Upload>("GET", path`/api/v1/uploads/${id}`, this.signal);
    for (const { sha256: hash, url } of missing) urls.set(hash, url);
  }

  private async tried(act: () => Promise<unknown>, prepare: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await act();
        return;
      } catch (thrown) {
        this.stopping.signal.throwIfAborted();
        const problem = thrown instanceof Problem ? thrown : offline();
        if (attempt === TRIES || !(problem.isPassing || problem.status === 403)) throw problem;
        await new Promise((resolve) => setTimeout(resolve, WAIT_MS * 2 ** (attempt - 1)));
        await prepare().catch(() => undefined);
      }
    }
  }

  private set(change: Partial<UploadProgress>): void {
    this.progress.set({ ...this.progress.get(), ...change });
  }

  private setPart(index: number, change: Partial<UploadPart>): void {
    const parts = this.progress.get().parts.map((part, place) => (place === index ? { ...part, ...change } : part));
    this.set({ parts });
  }
}

/** The upload of this page; it goes on while other pages are looked at. */
export const currentUpload = new Store<Uploader | null>(null);
