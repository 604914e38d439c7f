import type { PcieFunction } from '../pcie/index.ts';
import type { Nic } from './nic.ts';
import { OffloadRegisters, VfOffloadRegisters } from './offload-registers.ts';
import { ReceiveOffloads } from './receive-offloads.ts';
import { TransmitOffloads } from './transmit-offloads.ts';

/**
 * Gives a card what an 82599 does to packets, which this package's own drivers do not ask for: context descriptors, checksum
 * and segmentation offload, VLAN tags by descriptor, padding, legacy transmit descriptors, packet types, checksum status, RSS,
 * and the registers of these (`INTEL_82599_OFFLOAD_REGISTERS`). Drivers then find them as the datasheet has them. It is to be
 * called once the machine is made, and once is enough.
 *
 * @throws RangeError for a card that sends frames before they are whole: it cannot know their checksums.
 * @example
 * const machine = createMachine({ guests: [{ name: 'a', vfs: 1 }] });
 * useOffloads(machine.nic);
 */
export function useOffloads(nic: Nic): void {
  const { data, pf, registers, requester, profile } = nic;
  if (data.transmit.offload !== null) return;
  if (data.transmitCutThrough !== null)
    throw new RangeError(`nic must store and forward frames, got ${profile.name} with cut-through`);
  // Whatever stands there: another part may be in front of the card's own.
  const bar = new OffloadRegisters(pf.bar(0));
  const { file } = bar;
  const transmit = new TransmitOffloads(data, requester, registers.file, file);
  data.transmit.offload = transmit;
  data.transmit.sink = transmit;
  const receive = new ReceiveOffloads(
    data.frames,
    registers.file,
    file,
    data.receive.rings.all.length,
    data,
    nic.queues,
    data.receive.rings.ring(0).offsetOf(0),
  );
  bar.resets.push(receive.filters);
  data.receive.format = receive;
  data.spread = receive;
  pf.attachBar(0, bar);
  const { sriov } = pf;
  const wrap = (vf: PcieFunction) => vf.attachBar(0, new VfOffloadRegisters(vf.vfIndex, bar, vf.bar(0)));
  pf.events.on('reset', (fn) => {
    if (fn.isVirtual) file.set('PSRTYPE', 0, fn.vfIndex);
    else bar.reset();
  });
  if (sriov === null || !('onVfCreated' in sriov)) return;
  const created = sriov.onVfCreated as (vf: PcieFunction) => void;
  sriov.onVfCreated = (vf: PcieFunction) => {
    created(vf);
    wrap(vf);
  };
  for (const vf of sriov.made()) wrap(vf);
}
