import { TauriBackend } from "./backend/tauri";
import { mountApp } from "./mount";

mountApp(new TauriBackend());
