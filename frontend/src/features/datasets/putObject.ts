import { Problem, offline } from "@/shared/api/problem";

/** PUT bytes to a presigned address. By XMLHttpRequest, as fetch does not tell how much has been sent. Throws Problem. */
export function putObject(url: string, content: Uint8Array<ArrayBuffer>, onSent: (bytes: number) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener("abort", abort, { once: true });
    request.upload.onprogress = ({ loaded }) => onSent(loaded);
    request.onload = () => {
      signal.removeEventListener("abort", abort);
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(new Problem(request.status, "object-refused", `the object store answered ${String(request.status)}`, "try again; the upload goes on where it was"));
    };
    request.onerror = () => reject(offline());
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    request.open("PUT", url);
    request.send(content);
  });
}
