package sandbox

// killDuring runs during up to the store's given step, and leaves what a killed process leaves: what was written, and nothing
// else. With 0 steps the process is killed before it begins.
func killDuring(d *Delivery, steps int, during func()) {
	type death struct{}
	if steps > 0 {
		d.store.hook = func(string) {
			if steps--; steps == 0 {
				panic(death{})
			}
		}
		func() {
			defer func() {
				if r := recover(); r != nil && r != (death{}) {
					panic(r)
				}
			}()
			during()
		}()
	}
	d.store.abandon()
	_ = d.closeBuffers()
}
