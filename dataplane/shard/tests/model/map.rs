//! Random steps, and every answer compared.

use proptest::prelude::*;

use crate::world::{Step, World, step};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, max_shrink_iters: 200, ..ProptestConfig::default()
    })]

    #[test]
    fn the_shard_answers_as_a_map_does(
        of_tenants: bool, steps in prop::collection::vec(step(), 1..40)
    ) {
        let mut world = World::new(of_tenants);
        for step in steps {
            world.take(step);
        }
        world.check();
        world.take(Step::Reopen);
        world.check();
        (0..4).for_each(|_| world.take(Step::Jobs));
        world.check();
        while world.replica.fill() {}
        prop_assert!(world.replica.shard.info().filling_indexes.is_empty());
        world.check();
        world.take(Step::Reopen);
        world.check();
    }
}
