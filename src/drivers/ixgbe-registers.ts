// Registers of the PF that several parts of its driver use (82599 datasheet 8.2.3); what only one uses it has itself.

export const LINKS = 0x42a4;
export const LINK_UP = 1 << 30;
export const RTTDCS = 0x4900;
export const PFVML2FLT = 0xf000;
export const AUPE = 1 << 24;
export const ROMPE = 1 << 25;
export const BAM = 1 << 27;
export const MPE = 1 << 28;

/** Queues of each of 64 pools. */
export const QUEUES_PER_POOL = 2;
