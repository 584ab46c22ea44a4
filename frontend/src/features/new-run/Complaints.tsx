import { CircleAlert } from "lucide-react";
import type { FieldError } from "@/shared/api/types";

/** Complaints with the fields they are about; it is there without any too, so that screen readers tell the first one. */
export function Complaints({ items }: { items: readonly FieldError[] }) {
  return (
    <div className="told" aria-live="polite">
      {items.length > 0 && (
        <ul className="stack complaints">
          {items.map(({ field, message }) => (
            <li key={`${field} ${message}`} className="field-error">
              <CircleAlert size={12} aria-hidden />
              <span>
                <code>{field}</code> {message}
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
