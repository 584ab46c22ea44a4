import type { ComponentProps } from "react";

type Kind = "plain" | "primary" | "danger" | "quiet";

export function Button({ kind = "plain", type = "button", className = "", ...rest }: ComponentProps<"button"> & { kind?: Kind }) {
  return <button className={`button ${className}`} data-kind={kind} type={type} {...rest} />;
}

/** A button of one icon; `label` is what it is called. */
export function IconButton({ label, kind = "quiet", ...rest }: Omit<ComponentProps<"button">, "aria-label"> & { label: string; kind?: Kind }) {
  return <button className="button" data-kind={kind} data-icon type="button" aria-label={label} title={label} {...rest} />;
}
