import type { Component } from "svelte";

/** A line of a menu. */
export interface MenuItem {
  label: string;
  icon?: Component<{ "aria-hidden"?: "true" }>;
  danger?: boolean;
  /** One of several, of which one is chosen. */
  checked?: boolean;
  testid?: string;
  run: () => void;
}
