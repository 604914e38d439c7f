/** A file below a device's folder: what reading it gives, and what writing to it does. */
export interface SysfsAttribute {
  read?(): string;
  /** May throw an Error whose message begins with the name of an errno. */
  write?(text: string): void;
}

/**
 * The view that an administrator has of PCI devices: files such as `0000:01:00.0/sriov_numvfs`, as below
 * /sys/bus/pci/devices.
 *
 * @example
 * machine.host.sysfs.read('0000:01:00.0/sriov_totalvfs'); // '63'
 * machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '4');
 */
export class Sysfs {
  private readonly attributes = new Map<string, SysfsAttribute>();

  /** Makes a file known. */
  define(path: string, attribute: SysfsAttribute): void {
    this.attributes.set(path, attribute);
  }

  /** Takes away what is below a folder. */
  removeBelow(folder: string): void {
    for (const path of [...this.attributes.keys()]) {
      if (path.startsWith(`${folder}/`)) this.attributes.delete(path);
    }
  }

  /** All paths, sorted. */
  list(): string[] {
    return [...this.attributes.keys()].sort();
  }

  /**
   * Contents of a file.
   *
   * @throws Error `ENOENT` if there is no such file, `EACCES` if it cannot be read.
   */
  read(path: string): string {
    const { read } = this.find(path);
    if (read === undefined) throw new Error(`EACCES: ${path} cannot be read`);
    return read();
  }

  /**
   * Writes to a file; the call returns when the system has done what that means.
   *
   * @throws Error `ENOENT` if there is no such file, `EACCES` if it cannot be written, or what the write ran
   * into.
   */
  write(path: string, text: string): void {
    if (typeof text !== 'string') throw new TypeError(`text must be a string, got ${String(text)}`);
    const { write } = this.find(path);
    if (write === undefined) throw new Error(`EACCES: ${path} cannot be written`);
    write(text.trim());
  }

  private find(path: string): SysfsAttribute {
    const attribute = this.attributes.get(path);
    if (attribute === undefined)
      throw new Error(`ENOENT: there is no ${path}; there are ${this.list().join(', ')}`);
    return attribute;
  }
}
