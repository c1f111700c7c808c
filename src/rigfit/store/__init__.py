"""What rigfit keeps: places, receipts, run logs."""
