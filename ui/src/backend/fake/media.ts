// Invented pictures, a sound and a film, drawn when they are asked for: nothing of it is in the
// repository.

import { rgbaToThumbHash } from "thumbhash";

/** The longer side of a picture that is drawn, in pixels. */
const DRAWN_MAX = 1_280;
/** The longer side of what a thumbhash is made from, in pixels. */
const HASHED_MAX = 64;
/** A sound: samples a second, and how long, in seconds. */
const RATE = 8_000;
const SOUND_SECONDS = 60;
/** A film: how long it is recorded at least, and how often its recorder tells of a part, in milliseconds. */
const FILM_MS = 700;
const FILM_PART_MS = 100;

/** Hills at a coast at some hour of the day; the same for the same number. */
function paint(c: CanvasRenderingContext2D, seed: number, width: number, height: number): void {
  const wave = (n: number) => Math.abs(Math.sin(seed * 12.9898 + n * 78.233) * 43_758.5453) % 1;
  const hue = [204, 28, 262, 168, 340, 48][seed % 6] ?? 204;
  const sky = c.createLinearGradient(0, 0, 0, height);
  sky.addColorStop(0, `hsl(${hue} 58% 48%)`);
  sky.addColorStop(0.62, `hsl(${(hue + 28) % 360} 74% 78%)`);
  sky.addColorStop(1, `hsl(${(hue + 44) % 360} 82% 86%)`);
  c.fillStyle = sky;
  c.fillRect(0, 0, width, height);
  c.fillStyle = `hsl(${(hue + 40) % 360} 92% 92%)`;
  c.beginPath();
  c.arc(width * (0.2 + 0.6 * wave(1)), height * 0.34, Math.min(width, height) * 0.09, 0, 7);
  c.fill();
  for (let layer = 0; layer < 4; layer += 1) {
    const base = height * (0.5 + layer * 0.12);
    c.fillStyle = `hsl(${(hue + 8 * layer) % 360} ${34 + layer * 4}% ${46 - layer * 10}%)`;
    c.beginPath();
    c.moveTo(0, height);
    for (let x = 0; x <= width; x += 8) {
      const far = (x / width) * Math.PI * (2.2 + wave(layer) * 2.6);
      const up = Math.sin(far + seed + layer * 1.7) + 0.4 * Math.sin(far * 2.7 + layer);
      c.lineTo(x, base - up * height * (0.07 - layer * 0.008));
    }
    c.lineTo(width, height);
    c.fill();
  }
}

function canvasOf(width: number, height: number, max: number): HTMLCanvasElement {
  const scale = Math.min(1, max / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  return canvas;
}

export async function picture(seed: number, width: number, height: number): Promise<Blob> {
  const canvas = canvasOf(width, height, DRAWN_MAX);
  const context = canvas.getContext("2d");
  if (context) paint(context, seed, canvas.width, canvas.height);
  return await new Promise((made) =>
    canvas.toBlob((blob) => made(blob ?? new Blob()), "image/jpeg", 0.85),
  );
}

/** The blur of the same picture. */
export function pictureHash(seed: number, width: number, height: number): string {
  const canvas = canvasOf(width, height, HASHED_MAX);
  const context = canvas.getContext("2d");
  if (!context) return "";
  paint(context, seed, canvas.width, canvas.height);
  return hashOf(context);
}

/** Size and blur of somebody's picture; null where it is none. */
export async function measured(
  blob: Blob,
): Promise<{ width: number; height: number; preview: string } | null> {
  try {
    const bitmap = await createImageBitmap(blob);
    const { width, height } = bitmap;
    const canvas = canvasOf(width, height, HASHED_MAX);
    const context = canvas.getContext("2d");
    context?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return context ? { width, height, preview: hashOf(context) } : null;
  } catch {
    return null;
  }
}

function hashOf(context: CanvasRenderingContext2D): string {
  const { width, height } = context.canvas;
  const { data } = context.getImageData(0, 0, width, height);
  return btoa(String.fromCharCode(...rgbaToThumbHash(width, height, data)));
}

/** A bell that fades, as WAV. */
export function sound(): Blob {
  const samples = RATE * SOUND_SECONDS;
  const view = new DataView(new ArrayBuffer(44 + samples * 2));
  const word = (at: number, text: string) =>
    new Uint8Array(view.buffer, at).set(new TextEncoder().encode(text));
  word(0, "RIFF");
  view.setUint32(4, 36 + samples * 2, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, "data");
  view.setUint32(40, samples * 2, true);
  for (let n = 0; n < samples; n += 1) {
    const at = (n % (RATE * 2)) / RATE;
    const value = Math.sin(2 * Math.PI * 523 * at) * Math.exp(-2.4 * at);
    view.setInt16(44 + n * 2, value * 12_000, true);
  }
  return new Blob([view], { type: "audio/wav" });
}

/** Hills that go by, as WebM. */
export async function film(): Promise<Blob> {
  const canvas = canvasOf(640, 360, 640);
  const context = canvas.getContext("2d");
  const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: "video/webm" });
  const parts: Blob[] = [];
  const ended = new Promise<void>((end) => (recorder.onstop = () => end()));
  // A busy machine may have recorded nothing by then.
  const begun = new Promise<void>((begin) => {
    recorder.ondataavailable = ({ data }) => {
      parts.push(data);
      if (data.size > 0) begin();
    };
  });
  recorder.start(FILM_PART_MS);
  const frames = setInterval(() => {
    if (context) paint(context, 3, canvas.width, canvas.height);
    context?.fillRect(Date.now() % canvas.width, 0, 12, 360);
  }, 40);
  await Promise.all([new Promise((passed) => setTimeout(passed, FILM_MS)), begun]);
  clearInterval(frames);
  recorder.stop();
  await ended;
  return new Blob(parts, { type: "video/webm" });
}
