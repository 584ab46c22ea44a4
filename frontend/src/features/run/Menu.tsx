import { ChevronDown, type LucideIcon } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ReactNode, Ref } from "react";

interface MenuProps {
  label: string;
  icon: LucideIcon;
  /** The button that opens it. */
  button?: Ref<HTMLButtonElement>;
  children: ReactNode;
}

/** A button with more behind it. It opens even where nothing in it can be done: what is in it says why. */
export function Menu({ label, icon: Icon, button, children }: MenuProps) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger ref={button} className="button">
        <Icon size={14} aria-hidden /> {label} <ChevronDown size={14} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Content className="menu" align="end" sideOffset={6} collisionPadding={8}>
        {children}
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  );
}

interface ItemProps {
  icon: LucideIcon;
  text: string;
  about: string;
  disabled?: boolean;
  onSelect: () => void;
}

export function MenuItem({ icon: Icon, text, about, disabled = false, onSelect }: ItemProps) {
  return (
    <DropdownMenu.Item className="menu-item" disabled={disabled} onSelect={onSelect}>
      <Icon size={14} aria-hidden /> {text}
      <small>{about}</small>
    </DropdownMenu.Item>
  );
}

interface LinkProps {
  icon: LucideIcon;
  text: string;
  about: string;
  href: string;
}

/** Downloads what `href` leads to. */
export function MenuDownload({ icon: Icon, text, about, href }: LinkProps) {
  return (
    <DropdownMenu.Item className="menu-item" asChild>
      <a href={href} download>
        <Icon size={14} aria-hidden /> {text}
        <small>{about}</small>
      </a>
    </DropdownMenu.Item>
  );
}
