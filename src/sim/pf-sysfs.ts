import { hex } from '../base/index.ts';
import type { Sysfs } from '../host/index.ts';
import { type EnumeratedFunction, SriovError } from '../pcie/index.ts';

/** What the files of a PF read and change. */
export interface PfSysfsContext {
  /** VFs that its driver enables at most. */
  readonly totalVfs: number;
  numVfs(): number;
  /** @throws SriovError */
  setNumVfs(count: number): void;
  /** 16 bits of the PF's configuration space. */
  read16(offset: number): number;
}

/** First VF Offset and VF Stride in the SR-IOV capability. */
const FIRST_VF_OFFSET = 0x14;
const VF_STRIDE = 0x16;

/** Makes the files known that Linux has for a PF with SR-IOV, below `folder`. */
export function definePfSysfs(
  sysfs: Sysfs,
  folder: string,
  { sriov, vendor, device }: EnumeratedFunction,
  context: PfSysfsContext,
): void {
  sysfs.define(`${folder}/vendor`, { read: () => `0x${hex(vendor, 4)}` });
  sysfs.define(`${folder}/device`, { read: () => `0x${hex(device, 4)}` });
  if (sriov === undefined) return;
  const read16 = (at: number) => String(context.read16(sriov.offset + at));
  sysfs.define(`${folder}/sriov_totalvfs`, { read: () => String(context.totalVfs) });
  sysfs.define(`${folder}/sriov_offset`, { read: () => read16(FIRST_VF_OFFSET) });
  sysfs.define(`${folder}/sriov_stride`, { read: () => read16(VF_STRIDE) });
  sysfs.define(`${folder}/sriov_vf_device`, { read: () => hex(sriov.vfDeviceId, 4) });
  sysfs.define(`${folder}/sriov_numvfs`, {
    read: () => String(context.numVfs()),
    write: (text) => {
      const count = parseCount(text);
      if (Number.isNaN(count))
        throw new Error(`EINVAL: sriov_numvfs takes a number, got ${JSON.stringify(text)}`);
      try {
        context.setNumVfs(count);
      } catch (error) {
        // The message of a file's error begins with the name of an errno.
        if (error instanceof SriovError) throw new SriovError(error.code, `${error.code}: ${error.message}`);
        throw error;
      }
    },
  });
}

/** A number as the kernel reads it from a file: decimal, hexadecimal with 0x, octal with 0. NaN if it is none. */
function parseCount(text: string): number {
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  return /^(0|[1-9]\d*|0x[0-9a-f]+)$/i.test(text) ? Number(text) : Number.NaN;
}
