import type { BarWindow } from '../host/index.ts';
import { type AddressFilters, addressOfVf, RECEIVE_ADDRESSES } from './address-filters.ts';
import { BAM, MPE, PFVML2FLT, ROMPE } from './ixgbe-registers.ts';
import { XcastMode } from './mailbox-protocol.ts';

/** The first receive addresses are the PF's own, as Linux shares them out. */
const PF_ADDRESSES = 16;

/**
 * What VFs' drivers have asked for and got, beside what the administrator has set: other addresses, further
 * ones, receive modes. It is void when a VF resets itself.
 */
export class VfFilters {
  private readonly bar: BarWindow;
  private readonly addresses: AddressFilters;
  /** VFs that are not as they began. */
  private readonly changed = new Set<number>();
  /** VF that a receive address is a further one of; -1 is free. */
  private readonly owners = new Int32Array(RECEIVE_ADDRESSES).fill(-1);

  constructor(bar: BarWindow, addresses: AddressFilters) {
    this.bar = bar;
    this.addresses = addresses;
  }

  /** The device has been reset, and with it all filters. */
  forget(): void {
    this.owners.fill(-1);
    this.changed.clear();
  }

  changeAddress(vf: number, mac: number): void {
    this.changed.add(vf);
    this.addresses.set(addressOfVf(vf), mac, vf);
  }

  /** A further address; false if those that `vfs` VFs leave are used up. */
  addAddress(vf: number, mac: number, vfs: number): boolean {
    for (let index = PF_ADDRESSES; index < RECEIVE_ADDRESSES - vfs; index++) {
      if (this.owners[index] >= 0) continue;
      this.changed.add(vf);
      this.owners[index] = vf;
      this.addresses.set(index, mac, vf);
      return true;
    }
    return false;
  }

  clearAddresses(vf: number): void {
    this.owners.forEach((owner, index) => {
      if (owner !== vf) return;
      this.owners[index] = -1;
      this.addresses.clear(index);
    });
  }

  /** One of {@link XcastMode} that an 82599's pool has. */
  setReceiveMode(vf: number, mode: number): void {
    this.changed.add(vf);
    const filter = PFVML2FLT + 4 * vf;
    const others = this.bar.read32(filter) & ~(ROMPE | MPE);
    const bits = mode === XcastMode.NONE ? 0 : mode === XcastMode.MULTI ? ROMPE : ROMPE | MPE;
    this.bar.write32(filter, (others | bits | BAM) >>> 0);
  }

  /** The VF as the administrator has set it, with `mac`, or 0 for none. */
  reset(vf: number, mac: number): void {
    if (!this.changed.has(vf)) return;
    this.clearAddresses(vf);
    if (mac !== 0) this.changeAddress(vf, mac);
    this.setReceiveMode(vf, XcastMode.MULTI);
    this.changed.delete(vf);
  }
}
