import { Dialog as Primitive } from "radix-ui";
import type { ReactNode } from "react";

interface Props {
  title: string;
  /** What gets the focus back; where it is gone with what was deleted, the page does. */
  opener: HTMLElement | null;
  wide?: boolean;
  children: ReactNode;
  onClose: () => void;
}

/** Over the page for as long as it is rendered. */
export function Dialog({ title, opener, wide = false, children, onClose }: Props) {
  const giveBack = (event: Event) => {
    event.preventDefault();
    (opener?.isConnected ? opener : document.querySelector("main"))?.focus();
  };
  return (
    <Primitive.Root open onOpenChange={(next) => !next && onClose()}>
      <Primitive.Portal>
        <Primitive.Overlay className="dialog-veil" />
        <Primitive.Content className="dialog stack" data-wide={wide || undefined} aria-describedby={undefined} onCloseAutoFocus={giveBack}>
          <Primitive.Title>{title}</Primitive.Title>
          {children}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}

export function DialogButtons({ children }: { children: ReactNode }) {
  return <div className="row dialog-buttons">{children}</div>;
}
