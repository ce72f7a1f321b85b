#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use muster_fuzz::checks::aws_front;
use muster_fuzz::checks::world::World;

static WORLD: LazyLock<World> = LazyLock::new(World::new);

fuzz_target!(|data: &[u8]| aws_front::check(&WORLD, data));
