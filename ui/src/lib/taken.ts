// What a drop or a paste has brought.

export interface Taken {
  files: File[];
  /** Names of folders: these can't be read as one. */
  folders: string[];
}

export function takenFrom(data: DataTransfer): Taken {
  const taken: Taken = { files: [], folders: [] };
  for (const item of data.items) {
    if (item.kind !== "file") continue;
    // Only tells a folder apart; null for what is no file on a disk, such as a copied picture.
    const entry = item.webkitGetAsEntry();
    const file = item.getAsFile();
    if (entry?.isDirectory === true) taken.folders.push(entry.name);
    else if (file) taken.files.push(file);
  }
  // Some web views list files without items.
  if (taken.files.length + taken.folders.length === 0) taken.files.push(...data.files);
  return taken;
}
