import { DEFAULT_VPORT_ID, type VPortOwner, type VPortState } from '../nicswitch/index.ts';
import type { RegisterFile } from '../registers/index.ts';

/** A VPort of the card as its registers have it. */
export interface CardVPort {
  /** 0 for the default VPort, which is the PF's; 1 + i for VF i's. */
  readonly id: number;
  /** Its pool: number of the VPort in the switch. */
  readonly place: number;
  readonly owner: VPortOwner;
  /** A VF's VPort is active while its pool may receive and send (PFVFRE, PFVFTE). */
  readonly state: VPortState;
}

const VT_EN = 1 << 0;

/**
 * The VPorts of a card with `vfs` VFs enabled. A VF's pool is that of its number; the default VPort is the
 * pool that PFVTCTL names, by the driver's wont the one behind the VFs'.
 */
export function cardVPorts(file: RegisterFile, vfs: number): CardVPort[] {
  const control = file.get('PFVTCTL');
  const virtualized = (control & VT_EN) !== 0;
  const isEnabled = (pool: number) =>
    ['PFVFRE', 'PFVFTE'].every((name) => ((file.get(name, pool >> 5) >>> (pool & 31)) & 1) !== 0);
  const ofVfs = Array.from(
    { length: vfs },
    (_, vf): CardVPort => ({
      id: vf + 1,
      place: vf,
      owner: { vf },
      state: !virtualized ? 'created' : isEnabled(vf) ? 'activated' : 'deactivated',
    }),
  );
  const place = virtualized ? (control >>> 7) & 0x3f : 0;
  return [{ id: DEFAULT_VPORT_ID, place, owner: 'pf', state: 'activated' }, ...ofVfs];
}
