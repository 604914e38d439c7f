/** The card: functions, registers, data plane, interrupts, mailboxes, MAC port. It knows no host. */
export { AdvancedReceiveFormat, AdvancedTransmitFormat } from './advanced-descriptors.ts';
export { DataPlane, type QueueInterrupts } from './data-plane.ts';
export { NIC_DROP_REASONS, NicDrop, type NicDropReason, NicDrops } from './drops.ts';
export { InterruptBlock, type InterruptBus } from './interrupts.ts';
export { MacPort, type MacPortSink, type WirePeer } from './mac-port.ts';
export { MAILBOX_WORDS, Mailboxes, type MailboxInterrupts, PFMAILBOX, VFMAILBOX } from './mailbox.ts';
export { Nic, type NicOptions } from './nic.ts';
export { PfRegisters } from './pf-registers.ts';
export type { NicProfile } from './profile.ts';
export { QueueRegisters } from './queue-registers.ts';
export { SwitchControl } from './switch-control.ts';
export { VfRegisters } from './vf-registers.ts';
