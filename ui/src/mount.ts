import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/inter/wght-italic.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/prose.css";
import { mount } from "svelte";
import type { Backend } from "./backend/backend";
import { applyLanguage } from "./i18n/t";
import Window from "./views/Window.svelte";

export function mountApp(backend: Backend): void {
  const target = document.getElementById("app");
  if (!target) throw new Error("the page has no place for the app");
  applyLanguage(document.documentElement);
  mount(Window, { target, props: { backend } });
}
