package dev.millrace.operators;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The module's arrows: the engine is plain Java, and packages know each other one way only. */
@AnalyzeClasses(packages = "dev.millrace.operators", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {

    @ArchTest
    static final ArchRule packagesFormNoCycle =
            slices().matching("dev.millrace.operators.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule theEngineIsPlainJava = noClasses()
            .that()
            .resideInAnyPackage("..engine..", "..scheduler..", "..sequence..", "..kvcache..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.apache.flink..", "dev.millrace.schemas..", "dev.millrace.cpu..");

    @ArchTest
    static final ArchRule packagesBelowDoNotKnowTheOperator = noClasses()
            .that()
            .resideInAPackage("dev.millrace.operators.*..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("dev.millrace.operators");
}
