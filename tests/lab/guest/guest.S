/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest guest whose every vCPU really runs: one ROM that is its own firmware.
 *
 * It takes the place of the BIOS (-bios guest.rom), so nothing else has to boot: under the lab's emulation
 * inside emulation a real BIOS would take many seconds. The boot CPU starts at the reset vector, wakes all
 * others by INIT-SIPI-SIPI, and then every CPU does the same:
 *   MODE 0  spin      a busy loop: the vCPU thread burns a whole host CPU
 *   MODE 1  sleep     hlt with interrupts off: the thread sleeps for ever
 *   MODE 2  periodic  its local APIC timer wakes it every 10 ms for a short burst of work
 *
 * Layout: 64 KiB at F000:0000. SIPI vector 0xf0 starts the other CPUs at F000:0000 too, so one entry serves all.
 */
	.code16
	.text
	.globl _start

	.set	APIC_BASE, 0xfee00000
	.set	APIC_EOI, 0x0b0
	.set	APIC_SPURIOUS, 0x0f0
	.set	APIC_ICR, 0x300
	.set	APIC_TIMER_LVT, 0x320
	.set	APIC_TIMER_INIT, 0x380
	.set	APIC_TIMER_DIVIDE, 0x3e0
	.set	TIMER_VECTOR, 0x40
	.set	PERIOD_NS, 10000000		/* QEMU's APIC timer counts nanoseconds at divide-by-1 */
	.set	BURST, 20000			/* loop turns per wake-up */

_start:
	cli
	cld
	/* "Unreal mode": 16-bit code with a data segment that reaches the APIC at 4 GiB - 18 MiB. */
	lgdtl	%cs:gdt_pointer
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	movw	$8, %bx
	movw	%bx, %ds
	andb	$0xfe, %al
	movl	%eax, %cr0

	/* A page of its own for each stack is not needed: only interrupts use it, and each CPU gets 256 bytes. */
	xorw	%ax, %ax
	movw	%ax, %ss
	movl	$APIC_BASE, %ebp
	movl	%ds:0x20(%ebp), %eax		/* APIC ID in the top byte */
	shrl	$24, %eax
	movw	%ax, %sp
	shlw	$8, %sp
	addw	$0x2000, %sp

	/* Interrupt vector table at 0:0 (RAM). Every CPU writes the same value, so no lock. */
	movl	$TIMER_VECTOR * 4, %edi
	movw	$on_timer, %ds:(%edi)
	movw	$0xf000, %ds:2(%edi)
	movl	$0x1ff, %ds:APIC_SPURIOUS(%ebp)

	/* Only the boot CPU (bit 8 of IA32_APIC_BASE) wakes the others. */
	movl	$0x1b, %ecx
	rdmsr
	testw	$0x100, %ax
	jz	work
	movl	$0x000c4500, %ds:APIC_ICR(%ebp)	/* INIT, all but self */
	call	pause_a_bit
	movl	$0x000c46f0, %ds:APIC_ICR(%ebp)	/* SIPI at F000:0000, all but self */
	call	pause_a_bit
	movl	$0x000c46f0, %ds:APIC_ICR(%ebp)

	call	enable_msi
work:
.if MODE == 0
1:	jmp	1b
.elseif MODE == 1
1:	hlt
	jmp	1b
.else
	movl	$0x0b, %ds:APIC_TIMER_DIVIDE(%ebp)
	movl	$0x20000 | TIMER_VECTOR, %ds:APIC_TIMER_LVT(%ebp)
	movl	$PERIOD_NS, %ds:APIC_TIMER_INIT(%ebp)
	sti
1:	hlt
	movl	$BURST, %ecx
2:	decl	%ecx
	jnz	2b
	jmp	1b
.endif

on_timer:
	movl	$0, %ds:APIC_EOI(%ebp)
	iretw

pause_a_bit:
	movl	$200000, %ecx
1:	decl	%ecx
	jnz	1b
	ret

/*
 * A driver for the device 00:1d.0, when there is one: has its MSI sent to a vector that nobody serves. So a device that
 * the host gave away gets its vfio interrupt. Walks the capabilities for id 5; the address has 64 bits.
 */
	.set	DEVICE, 0x8000e800		/* bus 0, device 0x1d, function 0, for port 0xcf8 */
enable_msi:
	movl	$DEVICE, %esi
	call	read_config
	cmpw	$0xffff, %ax			/* no vendor: no device */
	je	3f
	addl	$0x34, %esi			/* where the list begins */
	call	read_config
	jmp	2f
1:	movzbl	%al, %esi
	orl	$DEVICE, %esi
	call	read_config			/* id, next, control word */
	cmpb	$5, %al
	je	4f
	movb	%ah, %al
2:	testb	%al, %al
	jnz	1b
3:	ret
4:	movl	%eax, %ebx
	addl	$4, %esi
	movl	$APIC_BASE, %eax
	call	write_config
	addl	$8, %esi
	movl	$TIMER_VECTOR, %eax
	call	write_config
	subl	$12, %esi
	movl	%ebx, %eax
	orl	$0x10000, %eax			/* enable */
	jmp	write_config

/* %esi: the register, for port 0xcf8; %eax: its value */
read_config:
	movw	$0xcf8, %dx
	movl	%esi, %eax
	outl	%eax, %dx
	movw	$0xcfc, %dx
	inl	%dx, %eax
	ret
write_config:
	pushl	%eax
	movw	$0xcf8, %dx
	movl	%esi, %eax
	outl	%eax, %dx
	movw	$0xcfc, %dx
	popl	%eax
	outl	%eax, %dx
	ret

	.balign	8
gdt:
	.quad	0
	.quad	0x008f92000000ffff		/* data, base 0, limit 4 GiB */
gdt_pointer:
	.word	15
	.long	0xf0000 + gdt

	.org	0xfff0
	ljmpw	$0xf000, $_start
	.org	0x10000
